//! The page of the demonstration, before the eyes of whoever asked for it.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

/// Opens a page in the browser that the desktop has chosen, and does not wait for it. Where nobody can look, and where
/// there is no such program, nothing happens: the path has been told.
pub(crate) fn open(page: &Path) {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_watched(&set) {
        let silent = Stdio::null;
        let _ = Command::new("xdg-open").arg(page).stdin(silent()).stdout(silent()).stderr(silent()).spawn();
    }
}

/// Whether there is a screen, and somebody before it, by what is set in the environment.
fn is_watched(set: &dyn Fn(&str) -> bool) -> bool {
    !set("CI") && (set("DISPLAY") || set("WAYLAND_DISPLAY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_opened_under_ci_and_without_a_screen() {
        let watched = |all: &[&str]| is_watched(&|name| all.contains(&name));
        assert!(watched(&["DISPLAY"]) && watched(&["WAYLAND_DISPLAY"]));
        assert!(!watched(&[]) && !watched(&["CI", "DISPLAY"]) && !watched(&["CI", "WAYLAND_DISPLAY"]));
    }
}
