//! `creance canary`: values made up for one run, planted, and found.

mod find;
mod new;
mod plant;

use crate::args::{Canary, CanaryAction, Talk};

pub(crate) fn run(options: &Canary, talk: Talk) -> anyhow::Result<u8> {
    match &options.action {
        CanaryAction::New(options) => new::run(options),
        CanaryAction::Plant(options) => plant::run(options),
        CanaryAction::Find(options) => find::run(options, talk),
    }
}
