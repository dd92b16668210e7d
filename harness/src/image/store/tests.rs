//! The store with roots of a few bytes: tar files and directories take the same path as a Debian.

use std::fs::File;
use std::time::Duration;

use tempfile::TempDir;

use super::super::Suite;
use super::*;
use crate::command::Command;

/// A directory with nothing but a manager, and a store beside it.
fn root_and_store() -> (TempDir, Recipe, Store) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tiny");
    fs::create_dir_all(root.join("usr/lib/systemd")).unwrap();
    fs::write(root.join("usr/lib/systemd/systemd"), "manager").unwrap();
    let recipe = Recipe::parse(root.to_str().unwrap()).unwrap();
    let store = Store::open(folder.path().join("cache"));
    (folder, recipe, store)
}

/// The names in a store's folder, in order.
fn files(store: &Store) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(store.folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_directory_becomes_one_tar_file_and_is_found_from_then_on() {
    let (_folder, recipe, store) = root_and_store();
    assert_eq!(store.find(&recipe), None);
    let mut steps = vec![];
    let image = store.build(&recipe, |step| steps.push(step.to_owned())).await.unwrap();
    assert_eq!(files(&store), [format!("tiny-{}.tar", recipe.digest())]);
    assert_eq!(steps.len(), 2);
    assert_eq!(store.find(&recipe), Some(image.clone()));
    let again = store.build(&recipe, |step| panic!("nothing to do, but: {step}")).await.unwrap();
    assert_eq!(again, image);
}

#[tokio::test]
async fn a_compressed_tar_file_is_stored_uncompressed() {
    let (folder, recipe, store) = root_and_store();
    let plain = store.build(&recipe, |_| ()).await.unwrap().path;
    let packed = folder.path().join("copy.tar.gz");
    let file = File::create(&packed).unwrap().into();
    let gzip = Command::new("gzip", ["--stdout".as_ref(), plain.as_os_str()]).output_to(&file).unwrap();
    assert!(gzip.spawn().unwrap().wait().await.unwrap().success());
    let recipe = Recipe::parse(packed.to_str().unwrap()).unwrap();
    let image = store.build(&recipe, |_| ()).await.unwrap();
    assert_eq!(image.name, "copy");
    assert_eq!(fs::read(image.path).unwrap(), fs::read(plain).unwrap());
}

#[tokio::test]
async fn two_builders_at_once_build_once() {
    let (_folder, recipe, store) = root_and_store();
    let (mut first, mut second) = (vec![], vec![]);
    let (one, other) = tokio::join!(
        store.build(&recipe, |step| first.push(step.to_owned())),
        store.build(&recipe, |step| second.push(step.to_owned())),
    );
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(first.len(), 2);
    assert_eq!(second, ["another process builds this image; waiting for it"]);
    assert_eq!(files(&store).len(), 1, "no lock, no partial file");
}

#[tokio::test]
async fn a_dropped_build_leaves_nothing() {
    let (folder, _, store) = root_and_store();
    // Reading this takes longer than the test waits, writing it is never finished.
    File::create(folder.path().join("tiny/large")).unwrap().set_len(20_000_000_000).unwrap();
    let recipe = Recipe::parse(folder.path().join("tiny").to_str().unwrap()).unwrap();
    let build = store.build(&recipe, |_| ());
    tokio::time::timeout(Duration::from_millis(30), build).await.unwrap_err();
    assert_eq!(files(&store), [""; 0]);
}

#[tokio::test]
async fn a_failed_build_leaves_nothing_and_says_why() {
    let (folder, _, store) = root_and_store();
    fs::remove_file(folder.path().join("tiny/usr/lib/systemd/systemd")).unwrap();
    let recipe = Recipe::parse(folder.path().join("tiny").to_str().unwrap()).unwrap();
    let error = store.build(&recipe, |_| ()).await.unwrap_err();
    assert_eq!(error.to_string(), "image `tiny` has no usr/lib/systemd/systemd");
    assert_eq!(files(&store), [""; 0]);
}

#[tokio::test]
async fn a_corrupt_tar_file_is_refused() {
    let (folder, recipe, store) = root_and_store();
    let whole = fs::read(store.build(&recipe, |_| ()).await.unwrap().path).unwrap();
    let torn = folder.path().join("torn.tar");
    fs::write(&torn, &whole[..700]).unwrap();
    let error = store.build(&Recipe::parse(torn.to_str().unwrap()).unwrap(), |_| ()).await.unwrap_err();
    assert!(matches!(&error, ImageError::Failed { said, .. } if said.contains("tar: ")), "{error}");
    fs::write(&torn, [0x1f, 0x8b, 8, 1, 2, 3]).unwrap();
    let error = store.build(&Recipe::parse(torn.to_str().unwrap()).unwrap(), |_| ()).await.unwrap_err();
    assert!(matches!(&error, ImageError::Failed { said, .. } if said.contains("gzip: ")), "{error}");
    assert_eq!(files(&store).len(), 1);
}

#[tokio::test]
async fn what_killed_builds_of_other_images_left_is_swept_but_not_what_is_in_use() {
    let (_folder, recipe, store) = root_and_store();
    fs::create_dir_all(store.folder().join(".dead-000000000000.scratch/chroot")).unwrap();
    fs::write(store.folder().join(".busy-000000000000.partial"), "").unwrap();
    let busy = Lock::try_take(&store.folder().join("busy-000000000000.lock")).unwrap();
    store.build(&recipe, |_| ()).await.unwrap();
    let image = format!("tiny-{}.tar", recipe.digest());
    assert_eq!(files(&store), [".busy-000000000000.partial", "busy-000000000000.lock", &image]);
    drop(busy);
}

#[tokio::test]
async fn images_are_listed_and_removed_by_name() {
    let (_folder, recipe, store) = root_and_store();
    assert_eq!(store.list().unwrap(), []);
    assert!(store.remove("tiny").unwrap_err().hint().unwrap().contains("image build"));
    let image = store.build(&recipe, |_| ()).await.unwrap();
    fs::write(store.folder().join("trixie-000000000000.tar"), "old").unwrap();
    fs::write(store.folder().join("notes.txt"), "mine").unwrap();
    let list = store.list().unwrap();
    let seen: Vec<_> = list.iter().map(|entry| (entry.name.as_str(), entry.current)).collect();
    assert_eq!(seen, [("tiny", true), ("trixie", false)]);
    assert_eq!(list[0].bytes, image.path.metadata().unwrap().len());

    let error = store.remove("tinny").unwrap_err();
    assert_eq!(error.to_string(), "no image is called `tinny`");
    assert_eq!(error.hint().unwrap(), "did you mean `tiny`?");
    assert_eq!(store.remove("tiny").unwrap(), list[..1]);
    assert_eq!(store.remove("trixie-000000000000").unwrap(), list[1..]);
    assert_eq!(files(&store), ["notes.txt"]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let (folder, recipe, _) = root_and_store();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(file.join("cache")).build(&recipe, |_| ()).await.unwrap_err();
    assert!(matches!(error, ImageError::Folder { .. }));
    assert!(error.hint().unwrap().contains("NSPAWN_MATRIX_CACHE"));
}

/// Builds real Debians: half a minute each, root, and a mirror. The images stay in the folder for a look at them.
async fn build_for_real(suite: Suite) {
    let store = Store::open("/var/tmp/nspawn-matrix-test-cache".into());
    let image =
        store.build(&Recipe::Debian(suite.into()), |step| eprintln!("{suite}: {step}")).await.unwrap();
    eprintln!("{}: {} bytes", image.path.display(), image.path.metadata().unwrap().len());
}

#[tokio::test]
#[ignore = "needs root, a Debian mirror and half a minute"]
async fn trixie_is_built() {
    build_for_real(Suite::Trixie).await;
}

#[tokio::test]
#[ignore = "needs root, a Debian mirror and two minutes"]
async fn the_other_suites_are_built() {
    for suite in [Suite::Bookworm, Suite::BookwormBackports, Suite::Sid] {
        build_for_real(suite).await;
    }
}
