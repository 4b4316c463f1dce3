//! Progress on stderr: a bar with rate and time left, on a terminal only.

use std::io::IsTerminal;

use creance_audit::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::Talk;

/// A bar, or nothing when nobody looks.
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    pub(crate) fn new(talk: Talk) -> Self {
        if talk.quiet || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        Self(Some(ProgressBar::no_length()))
    }

    /// Moves the bar.
    pub(crate) fn tell(&self, progress: Progress) {
        let Some(bar) = &self.0 else { return };
        if let Some(of) = progress.of
            && bar.length().is_none()
        {
            bar.set_length(of);
            let template = "{bar:32} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
        }
        bar.set_position(progress.bytes);
        bar.set_message(format!("{} packets", progress.packets));
    }

    /// Moves a bar that counts files.
    pub(crate) fn tell_files(&self, progress: Progress) {
        let Some(bar) = &self.0 else { return };
        if let Some(of) = progress.of
            && bar.length().is_none()
        {
            bar.set_length(of);
            if let Ok(style) =
                ProgressStyle::with_template("{bar:32} {pos}/{len} files  {per_sec}  {eta} left")
            {
                bar.set_style(style);
            }
        }
        bar.set_position(progress.bytes);
    }

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
