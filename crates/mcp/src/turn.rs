//! The order in which calls are carried out: that in which they came in.
//!
//! The protocol serves requests as it pleases, each in a task of its own. Two calls that are under way at once must have the
//! same result as one after the other, so each gets a turn the moment it is read, and the work is done turn by turn, in one
//! thread. A turn that nobody uses is passed over.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// What is done when it is its turn.
pub(crate) type Job<W> = Box<dyn FnOnce(&mut W) + Send>;

/// Gives out turns.
pub(crate) struct Turns<W> {
    queue: Sender<oneshot::Receiver<Job<W>>>,
}

impl<W> Turns<W> {
    /// Returns a place to give out turns, and the queue of them.
    pub(crate) fn new() -> (Self, Queue<W>) {
        let (queue, turns) = channel();
        (Self { queue }, Queue { turns })
    }

    /// Returns the next turn.
    pub(crate) fn next(&self) -> Turn<W> {
        let (job, turn) = oneshot::channel();
        // Where nobody works any more, the job is dropped, and whoever waits for it hears of that.
        drop(self.queue.send(turn));
        Turn { job: Arc::new(Mutex::new(Some(job))) }
    }
}

/// The right to have one job done, after those of earlier turns and before those of later ones.
pub(crate) struct Turn<W> {
    job: Arc<Mutex<Option<oneshot::Sender<Job<W>>>>>,
}

impl<W> Clone for Turn<W> {
    fn clone(&self) -> Self {
        Self { job: Arc::clone(&self.job) }
    }
}

impl<W> Turn<W> {
    /// Says what is to be done. Only the first job of a turn is done; what is not done is dropped.
    pub(crate) fn take(&self, job: Job<W>) {
        let mut place = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = place.take() {
            drop(place.send(job));
        }
    }
}

/// The turns that were given out, in order.
pub(crate) struct Queue<W> {
    turns: Receiver<oneshot::Receiver<Job<W>>>,
}

impl<W> Queue<W> {
    /// Does one job after the other, until no more turns are given out. Must not be called where tasks run.
    pub(crate) fn work(self, worker: &mut W) {
        for turn in self.turns {
            if let Ok(job) = turn.blocking_recv() {
                job(worker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_done_in_the_order_of_their_turns() {
        let (turns, queue) = Turns::<Vec<u32>>::new();
        let given: Vec<Turn<Vec<u32>>> = (0..4).map(|_| turns.next()).collect();
        for n in [3, 0, 2] {
            given[n as usize].take(Box::new(move |done| done.push(n)));
        }
        // The second one is not used.
        drop((given, turns));
        let mut done = Vec::new();
        queue.work(&mut done);
        assert_eq!(done, [0, 2, 3]);
    }

    #[test]
    fn a_turn_has_one_job() {
        let (turns, queue) = Turns::<u32>::new();
        let turn = turns.next();
        turn.clone().take(Box::new(|count| *count += 1));
        turn.take(Box::new(|count| *count += 1));
        drop((turn, turns));
        let mut count = 0;
        queue.work(&mut count);
        assert_eq!(count, 1);
    }
}
