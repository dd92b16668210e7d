//! The machines that systemd-machined knows (org.freedesktop.machine1(5)).

use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use zbus::OwnedObjectPath;

#[zbus::proxy(
    interface = "org.freedesktop.machine1.Manager",
    default_service = "org.freedesktop.machine1",
    default_path = "/org/freedesktop/machine1"
)]
trait Manager {
    /// Finds a machine by its name.
    fn get_machine(&self, name: &str) -> zbus::Result<OwnedObjectPath>;

    /// All machines: name, class, service and path of each.
    fn list_machines(&self) -> zbus::Result<Vec<(String, String, String, OwnedObjectPath)>>;

    /// Tells that a machine was registered.
    #[zbus(signal)]
    fn machine_new(&self, machine: &str, path: OwnedObjectPath) -> zbus::Result<()>;
}

#[zbus::proxy(interface = "org.freedesktop.machine1.Machine", default_service = "org.freedesktop.machine1")]
trait Machine {
    /// The process id of the machine's first process.
    #[zbus(property)]
    fn leader(&self) -> zbus::Result<u32>;

    /// The unit that its processes are in.
    #[zbus(property)]
    fn unit(&self) -> zbus::Result<String>;
}

/// The names of all machines. Starts systemd-machined if it does not run.
pub(crate) async fn names() -> anyhow::Result<Vec<String>> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let manager = ManagerProxy::new(&bus).await.context("find systemd-machined on the bus")?;
    let machines = manager.list_machines().await.context("list the machines of systemd-machined")?;
    Ok(machines.into_iter().map(|machine| machine.0).collect())
}

/// A machine that is registered.
pub(crate) struct Registered {
    pub(crate) name: String,
    /// `container` or `vm`.
    pub(super) class: String,
    /// What has registered it: `systemd-nspawn`.
    pub(super) service: String,
    /// The process id of its first process.
    pub(crate) leader: i32,
}

/// All machines but what is no machine: machined lists the host itself, as `.host`. One that ends meanwhile is left out.
pub(crate) async fn all() -> anyhow::Result<Vec<Registered>> {
    let bus = zbus::Connection::system().await.context("connect to the system bus")?;
    let manager = ManagerProxy::new(&bus).await.context("find systemd-machined on the bus")?;
    let listed = manager.list_machines().await.context("list the machines of systemd-machined")?;
    let mut all = Vec::new();
    for (name, class, service, path) in listed.into_iter().filter(|(name, ..)| !name.starts_with('.')) {
        let machine = MachineProxy::builder(&bus).path(path).build().await?;
        if let Ok(leader) = machine.leader().await {
            all.push(Registered { name, class, service, leader: i32::try_from(leader)? });
        }
    }
    Ok(all)
}

/// A subscription to the machines that get registered.
pub(super) struct Machined {
    bus: zbus::Connection,
    manager: ManagerProxy<'static>,
    registered: MachineNewStream,
}

impl Machined {
    /// Subscribes; machines that are started afterwards cannot be missed.
    pub(super) async fn subscribe() -> anyhow::Result<Self> {
        let bus = zbus::Connection::system().await.context("connect to the host's system bus")?;
        let manager = ManagerProxy::new(&bus).await.context("find systemd-machined on the bus")?;
        let registered = manager.receive_machine_new().await.context("subscribe to new machines")?;
        Ok(Self { bus, manager, registered })
    }

    /// Waits until `name` is registered, and gives the process id of its leader.
    pub(super) async fn leader(&mut self, name: &str, patience: Duration) -> anyhow::Result<i32> {
        let path = tokio::time::timeout(patience, self.registered(name)).await.with_context(|| {
            format!("machine `{name}` was not registered within {} s", patience.as_secs())
        })??;
        let machine = MachineProxy::builder(&self.bus).path(path).build().await?;
        let leader =
            machine.leader().await.with_context(|| format!("find the leader of machine `{name}`"))?;
        Ok(i32::try_from(leader)?)
    }

    /// Waits until `name` is registered once more, counted from the subscription, and gives its new leader.
    pub(super) async fn leader_anew(&mut self, name: &str, patience: Duration) -> anyhow::Result<i32> {
        let anew = async {
            while let Some(signal) = self.registered.next().await {
                let arguments = signal.args().context("read the signal of a new machine")?;
                if arguments.machine == name {
                    return Ok(());
                }
            }
            anyhow::bail!("the system bus went away")
        };
        tokio::time::timeout(patience, anew).await.with_context(|| {
            format!("machine `{name}` was not registered again within {} s", patience.as_secs())
        })??;
        self.leader(name, patience).await
    }

    /// Tells whether `name` is registered within `patience`.
    pub(super) async fn comes(&mut self, name: &str, patience: Duration) -> anyhow::Result<bool> {
        match tokio::time::timeout(patience, self.registered(name)).await {
            Ok(found) => found.map(|_| true),
            Err(_) => Ok(false),
        }
    }

    /// The unit that the processes of `name` are in, which is registered already: `machine-alpha.scope`.
    pub(super) async fn unit(&self, name: &str) -> anyhow::Result<String> {
        let path = self.find(name).await?.with_context(|| format!("machine `{name}` is not registered"))?;
        let machine = MachineProxy::builder(&self.bus).path(path).build().await?;
        machine.unit().await.with_context(|| format!("find the unit of machine `{name}`"))
    }

    /// Tells whether `name` is registered now.
    pub(super) async fn knows(&self, name: &str) -> anyhow::Result<bool> {
        Ok(self.find(name).await?.is_some())
    }

    async fn registered(&mut self, name: &str) -> anyhow::Result<OwnedObjectPath> {
        loop {
            if let Some(path) = self.find(name).await? {
                return Ok(path);
            }
            self.registered.next().await.context("the system bus went away")?;
        }
    }

    /// Finds a machine that is registered already.
    async fn find(&self, name: &str) -> anyhow::Result<Option<OwnedObjectPath>> {
        match self.manager.get_machine(name).await {
            Ok(path) => Ok(Some(path)),
            Err(zbus::Error::MethodError(error, _, _)) if error.ends_with(".NoSuchMachine") => Ok(None),
            Err(error) => Err(error).with_context(|| format!("look machine `{name}` up")),
        }
    }
}
