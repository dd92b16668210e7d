//! The smallest guest: an initial file system whose only program powers the machine off.
//!
//! That program is one reboot(2). A machine that gets to it has decompressed and started its kernel, unpacked the
//! archive, and run a program in user mode.

/// `reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF)`, then nothing for ever.
const CODE: &[u8] = &[
    0xb8, 0xa9, 0x00, 0x00, 0x00, // mov eax, 169
    0xbf, 0xad, 0xde, 0xe1, 0xfe, // mov edi, 0xfee1dead
    0xbe, 0x69, 0x19, 0x12, 0x28, // mov esi, 0x28121969
    0xba, 0xdc, 0xfe, 0x21, 0x43, // mov edx, 0x4321fedc
    0x0f, 0x05, // syscall
    0xeb, 0xfe, // jmp to itself
];

/// Where the program lies in memory.
const BASE: u64 = 0x40_0000;

/// The sizes of an ELF header and of a program header, elf(5).
const HEADERS: (u16, u16) = (64, 56);

/// Gives the archive, in the format that the kernel calls `newc` (Documentation/driver-api/early-userspace).
pub(crate) fn initrd() -> Vec<u8> {
    let mut archive = entry("init", 0o100_755, &program());
    archive.extend(entry("TRAILER!!!", 0, &[]));
    archive
}

/// One file of the archive: thirteen numbers of eight digits, the name, the content, each padded to four bytes.
fn entry(name: &str, mode: u32, content: &[u8]) -> Vec<u8> {
    let (inode, links) = (1, 1);
    let size = |bytes: usize| u32::try_from(bytes).expect("it is a small file");
    let numbers = [inode, mode, 0, 0, links, 0, size(content.len()), 0, 0, 0, 0, size(name.len() + 1), 0];
    let mut entry = b"070701".to_vec();
    entry.extend(numbers.iter().flat_map(|number| format!("{number:08x}").into_bytes()));
    entry.extend(name.bytes().chain([0]));
    pad(&mut entry);
    entry.extend(content);
    pad(&mut entry);
    entry
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// A program for x86-64 in one segment, elf(5).
fn program() -> Vec<u8> {
    let before = u64::from(HEADERS.0 + HEADERS.1);
    let size = before + CODE.len() as u64;
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    let (executable, x86_64) = (2_u16, 62_u16);
    elf.extend([executable, x86_64].iter().flat_map(|half| half.to_le_bytes()));
    elf.extend(1_u32.to_le_bytes());
    elf.extend([BASE + before, u64::from(HEADERS.0), 0].iter().flat_map(|word| word.to_le_bytes()));
    elf.extend(0_u32.to_le_bytes());
    elf.extend([HEADERS.0, HEADERS.1, 1, 0, 0, 0].iter().flat_map(|half| half.to_le_bytes()));
    let (load, read_and_execute) = (1_u32, 5_u32);
    elf.extend([load, read_and_execute].iter().flat_map(|word| word.to_le_bytes()));
    elf.extend([0, BASE, BASE, size, size, 0x1000].iter().flat_map(|word| word.to_le_bytes()));
    elf.extend(CODE);
    elf
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_begins_where_its_header_says() {
        let program = program();
        let entry = u64::from_le_bytes(program[24..32].try_into().unwrap());
        assert!(program[usize::try_from(entry - BASE).unwrap()..].starts_with(CODE));
    }

    #[test]
    fn everything_in_the_archive_begins_at_a_multiple_of_four() {
        let archive = initrd();
        assert_eq!(archive.len() % 4, 0);
        let program = archive.windows(4).position(|bytes| bytes == b"\x7fELF").unwrap();
        assert_eq!(program % 4, 0);
    }
}
