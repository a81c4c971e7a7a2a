//! Doing the same for each of many files, on more than one core.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many threads work. Waiting for a disk is most of the work, so a few more than there are cores do no harm.
const WORKERS: usize = 4;

/// From how many files on: below, starting a thread takes longer than the work.
const SHARED_FROM: usize = 64;

/// How many files a thread takes at once.
const SHARE: usize = 16;

/// Returns what `work` returns for each number below `count`, in order. `progress` is told how many are done, of how many.
pub(crate) fn each<T: Send>(
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    progress: &mut dyn FnMut(usize, usize),
) -> Vec<T> {
    if count < SHARED_FROM {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let first = next.fetch_add(SHARE, Ordering::Relaxed);
        (first < count).then(|| first..count.min(first + SHARE))
    };
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let labour = || {
            let mut done = Vec::new();
            while let Some(share) = take() {
                done.extend(share.map(|n| (n, work(n))));
            }
            done
        };
        // Where no thread can be had, the others do its part.
        let workers: Vec<_> = (1..WORKERS)
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, labour).ok())
            .collect();
        let mut done = Vec::with_capacity(count);
        while let Some(share) = take() {
            progress(share.start, count);
            done.extend(share.map(|n| (n, work(n))));
        }
        for worker in workers {
            done.extend(worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_done_once_and_stays_in_its_place() {
        for count in [0, 1, 63, 64, 65, 1_000] {
            let mut told = Vec::new();
            let done = each(count, |n| n * 2, &mut |done, all| told.push((done, all)));
            assert_eq!(done, (0..count).map(|n| n * 2).collect::<Vec<_>>());
            assert!(told.is_sorted() && told.iter().all(|(done, all)| done < all));
        }
    }
}
