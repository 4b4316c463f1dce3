//! One job for each of many files, on all threads, told in order.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::{Error, Progress};

/// Jobs that are done before what came of them is told.
const BATCH: usize = 64;

/// Does `job` for each of `all` on so many threads (0: as many as there are processors) and hands what comes of each to `sink`, in order.
///
/// Errors: threads cannot be started.
pub(crate) fn each<T: Sync, R: Send>(
    all: &[T],
    threads: usize,
    job: impl Fn(&T) -> R + Sync,
    mut sink: impl FnMut(R),
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(crate::STACK).build()?;
    let (of, mut done) = (Some(all.len() as u64), 0);
    for batch in all.chunks(BATCH) {
        let told: Vec<R> = pool.install(|| batch.par_iter().map(&job).collect());
        told.into_iter().for_each(&mut sink);
        done += batch.len() as u64;
        progress(Progress { bytes: done, of, packets: done });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_progress_ends_with_the_last() {
        let all: Vec<usize> = (0..BATCH * 2 + 7).collect();
        let (mut told, mut last) = (Vec::new(), 0);
        each(&all, 3, |one| one * 2, |one| told.push(one), &mut |at| last = at.bytes).unwrap();
        assert_eq!(told, all.iter().map(|one| one * 2).collect::<Vec<_>>());
        assert_eq!(last, all.len() as u64);
    }
}
