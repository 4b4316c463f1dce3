//! Which file a thread is at, so that whoever ends the program for a fault of it can say in which file it came to light.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
};

thread_local! {
    static FILE: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

/// The file that `inspect` or `scrub` is at on this thread.
pub fn reading() -> Option<PathBuf> {
    // It may be asked for within a fault.
    FILE.try_with(|file| file.try_borrow().ok()?.clone()).ok()?
}

/// The thread is at a file until this is dropped.
pub(crate) struct Reading;

impl Reading {
    pub(crate) fn begin(path: &Path) -> Self {
        FILE.set(Some(path.to_owned()));
        Self
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        FILE.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct AtTheEnd(&'static str);

    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            assert_eq!(reading(), Some(PathBuf::from(self.0)));
        }
    }

    #[test]
    fn the_file_is_that_of_the_thread_and_told_from_within_a_fault() {
        let fault = |name: &'static str| {
            std::thread::spawn(move || {
                let _reading = Reading::begin(Path::new(name));
                let _at_the_end = AtTheEnd(name);
            })
        };
        let both = [fault("a.jpg"), fault("b.jpg")];
        for thread in both {
            thread.join().unwrap();
        }
        assert_eq!(reading(), None);
    }
}
