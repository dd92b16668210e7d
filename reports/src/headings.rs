//! What stands above the answers to a question, by its name.

/// The block that a question belongs to, by the first segment of its name; an unknown one gets a block of its own.
pub(crate) fn title(check: &str) -> &str {
    match check.split('/').next().unwrap_or(check) {
        "link" | "address" => "Links",
        "ping" => "Reach",
        "port" => "Ports",
        "resolve" => names_title(check),
        "bind" if is_option(check) => "Bind options",
        "bind" | "autostart" | "image" => "Files and boot",
        "settings" | "start" => "Settings and refusals",
        "environment" | "identity" => "Surroundings",
        "firewall" => "Firewall",
        other => other,
    }
}

/// Names are asked about in so many ways that each bearer of one has a block.
fn names_title(check: &str) -> &'static str {
    match check.split('/').nth(1) {
        Some("peer" | "peer-local" | "peer-dhcp") => "Names of peers",
        Some("host") => "Name of the host",
        Some("machine-from-host" | "machine-from-host-dhcp" | "below-machine") => "Names on the host",
        Some("outside") => "Names beyond",
        Some(_) | None => "Names",
    }
}

/// What is to be said of the bearer of a name in its block; none if the title says it.
fn bearer_in_block(bearer: &str) -> Option<&str> {
    match bearer {
        "peer" | "host" | "machine-from-host" | "outside" => None,
        "peer-local" => Some(".local"),
        "peer-dhcp" | "machine-from-host-dhcp" => Some("._dhcp"),
        other => Some(other),
    }
}

/// Whether a question is about an option of bind mounts, and not about the package cache.
fn is_option(check: &str) -> bool {
    const OPTIONS: [&str; 8] = [
        "bind/idmap",
        "bind/rootidmap",
        "bind/owneridmap",
        "bind/rbind",
        "bind/norbind",
        "bind/read-only",
        "bind/device",
        "bind/symlink",
    ];
    OPTIONS.contains(&check)
}

/// The widest heading that is not broken at a hyphen.
const HEADING_WIDTH: usize = 10;

/// The lines above a column: the segments of the question's name but for what the title says, long ones broken at a
/// hyphen.
pub(crate) fn heading(check: &str) -> Vec<String> {
    if let Some((bearer, way)) = check.strip_prefix("resolve/").and_then(|name| name.split_once('/')) {
        return bearer_in_block(bearer).into_iter().chain([way]).flat_map(break_at_hyphens).collect();
    }
    let rest = match check.split_once('/') {
        // The owner of the image stands beside that of the bind mount.
        Some(("image", _)) | None => check,
        Some((_, rest)) => rest,
    };
    rest.split('/').flat_map(break_at_hyphens).collect()
}

/// Fills lines from the end, so that `machine-from-host` is broken before `from`.
fn break_at_hyphens(segment: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in segment.split_inclusive('-').rev() {
        match lines.first_mut() {
            Some(line) if line.chars().count() + piece.chars().count() <= HEADING_WIDTH => {
                line.insert_str(0, piece);
            }
            Some(_) | None => lines.insert(0, piece.to_owned()),
        }
    }
    lines
}

/// What a question is about: its name without the last segment.
pub(crate) fn object(check: &str) -> &str {
    check.rsplit_once('/').map_or(check, |(object, _)| object)
}
