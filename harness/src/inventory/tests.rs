//! Inventories as people have them, and as nobody should.

use proptest::prelude::*;

use super::*;

/// The machines, a line each, and those that are left out.
fn told(name: &str, text: &str) -> String {
    match read(Path::new(name), text) {
        Ok(Inventory { targets, left_out }) => {
            let targets = targets.iter().map(|target| format!("{} {}", target.name, target.destination));
            targets.chain(left_out).collect::<Vec<_>>().join("\n")
        }
        Err(error) => format!("error: {error}"),
    }
}

const INI: &str = r#"
# The hosts of a small site.
bastion ansible_host=192.0.2.1 ansible_user=root   # a comment
localhost ansible_connection=local

[web]
web1.example:2222
web2.example ansible_port=2200 note="two words"
web3 ansible_host=2001:db8::7

[web:vars]
ansible_user=deploy
http_port = 80

[db]
db1 ansible_ssh_host=192.0.2.9

[site:children]
web
db

[site:vars]
ansible_user=site
ansible_port=22

[all:vars]
ansible_user='everybody'
"#;

const YAML: &str = "
all:
  vars:
    ansible_user: everybody
  hosts:
    bastion: {ansible_host: 192.0.2.1, ansible_user: root}
    localhost:
      ansible_connection: local
  children:
    site:
      vars: {ansible_user: site, ansible_port: '22'}
      children:
        web:
          vars:
            ansible_user: deploy
            nested: {a: [1, 2]}
          hosts:
            web1.example: {ansible_port: 2222}
            web2.example:
              ansible_port: 2200
              secret: !vault |
                $ANSIBLE_VAULT;1.1;AES256
                3933
            web3: {ansible_host: '2001:db8::7'}
        db:
    db:
      hosts:
        db1:
          ansible_ssh_host: 192.0.2.9
";

#[test]
fn the_forms_of_ansible_say_the_same() {
    insta::assert_snapshot!(told("hosts", INI), @r"
    bastion ssh://root@192.0.2.1
    db1 ssh://site@192.0.2.9:22
    web1.example ssh://deploy@web1.example:2222
    web2.example ssh://deploy@web2.example:2200
    web3 ssh://deploy@[2001:db8::7]:22
    host `localhost`: its ansible_connection is `local`, and not ssh
    ");
    assert_eq!(told("hosts.yml", YAML), told("hosts", INI));
}

#[test]
fn ours_is_a_table_of_names() {
    let text = "[hosts]\nlinode = 'ssh://root@192.0.2.7'\nhetzner = 'ssh://h.example:2222'\n";
    assert_eq!(told("hosts.toml", text), "hetzner ssh://h.example:2222\nlinode ssh://root@192.0.2.7");
}

#[test]
fn what_is_wrong_is_one_line() {
    let wrong = [
        told("hosts", "[web]\nweb[01:20].example\n"),
        told("hosts", "web1 ansible_user='root\n"),
        told("hosts", "web1 root\n"),
        told("hosts", "[web:vars]\nroot\n"),
        told("hosts", "-oProxyCommand=reboot\n"),
        told("hosts", "web1 ansible_host=-oProxyCommand=reboot\n"),
        told("hosts", "web1 ansible_user=$(reboot)\n"),
        told("hosts", "web1 ansible_port=many\n"),
        told("hosts", "../../etc ansible_host=192.0.2.7\n"),
        told("hosts", "localhost ansible_connection=local\n"),
        told("hosts", ""),
        told("hosts.py", "#!/usr/bin/python3\n"),
        told("hosts.yml", "all:\n  hosts: [web1]\n"),
        told("hosts.yml", "all: {{ nothing }}\n"),
        told("hosts.yml", "all:\n  hosts:\n    \"\\e[2J\":\n"),
        told("hosts.toml", "[hosts]\nweb1 = 'web1'\n"),
        told("hosts.toml", "[hosts]\nweb1 = 22\n"),
        told("hosts.toml", "[hosts]\n\n[groups]\n"),
    ];
    assert!(wrong.iter().all(|line| line.starts_with("error: ") && line.lines().count() == 1), "{wrong:#?}");
    insta::assert_snapshot!(wrong.join("\n"));
}

#[test]
fn a_group_may_be_in_itself() {
    assert_eq!(
        told("hosts", "[a]\nx\n[a:children]\nb\n[b:children]\na\n[b:vars]\nansible_port=7\n"),
        "x ssh://x:7"
    );
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(name in "hosts(\\.yml|\\.toml|)", text in "[ -~\\n]{0,80}") {
        if let Ok(inventory) = read(Path::new(&name), &text) {
            prop_assert!(inventory.targets.iter().all(|target| !target.name.contains('/')));
        }
    }
}
