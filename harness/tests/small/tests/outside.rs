#[test]
fn one_fails() {
    panic!("as it is to");
}

#[test]
fn the_folder_for_temporary_files_is_there() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("file"), small::first_program()).unwrap();
}
