//! A workspace of its own for the trial `runs-the-tests-of-cargo` of vm.rs.
//!
//! ```
//! assert_eq!(small::first_program(), "systemd\n");
//! ```

/// The name of the first process of the machine.
pub fn first_program() -> String {
    std::fs::read_to_string("/proc/1/comm").unwrap()
}

#[test]
fn it_is_written_where_the_workspace_is() {
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/come-back"), first_program()).unwrap();
}
