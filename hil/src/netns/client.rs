//! The client: a new connection to the service address every 10 ms, each on its own with a limit of 300 ms.

use super::SERVICE_PORT;
use super::clock::Stamp;
use super::namespace::Namespace;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

mod poller;

/// Between two connections.
pub(super) const PERIOD: Duration = Duration::from_millis(10);
/// How long one connection may take in all.
pub(super) const LIMIT: Duration = Duration::from_millis(300);

/// So often it must have asked in vain before a stretch without an answer is the service's.
const ASKED: usize = 3;

/// What came of one connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// This node answered.
    Good(String),
    /// No answer within the limit.
    Silence,
    /// The connection was refused, reset or cut short.
    Refused(String),
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When it was begun.
    pub sent: Stamp,
    /// When the answer was complete, or hope was given up.
    pub done: Stamp,
    /// What came of it.
    pub reply: Reply,
}

/// A stretch without a good answer.
#[derive(Clone, Debug)]
pub struct Outage {
    /// The last good answer before it.
    pub last_good: Stamp,
    /// Who gave that.
    pub from: String,
    /// The first good answer after it; [`Stamp::NEVER`] while there is none.
    pub first_good: Stamp,
    /// Who gave that.
    pub to: String,
}

impl Outage {
    /// How many connections were begun in it.
    fn asked(&self, samples: &[Sample]) -> usize {
        samples.iter().filter(|s| s.sent > self.last_good && s.sent < self.first_good).count()
    }

    /// From the last good answer to the first one again; to now while it lasts.
    #[must_use]
    pub fn length(&self) -> Duration {
        if self.first_good == Stamp::NEVER {
            self.last_good.elapsed()
        } else {
            self.first_good.since(self.last_good)
        }
    }
}

/// Polls the service from a namespace until it is dropped.
#[derive(Debug)]
pub struct Client {
    samples: Arc<Mutex<Vec<Sample>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Begins to poll.
    ///
    /// # Errors
    /// No thread, or the namespace cannot be entered.
    pub fn new(net: &Namespace) -> io::Result<Self> {
        Self::to_port(net, SERVICE_PORT, PERIOD)
    }

    /// As [`Client::new`], where the service is on another port, with a connection every `period`.
    ///
    /// # Errors
    /// As there.
    pub fn to_port(net: &Namespace, port: u16, period: Duration) -> io::Result<Self> {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let end = Arc::new(AtomicBool::new(false));
        let (for_thread, until) = (Arc::clone(&samples), Arc::clone(&end));
        let (entered, when_entered) = std::sync::mpsc::channel();
        // A descriptor of its own: the thread may outlive the borrow.
        let handle = std::fs::File::open(net.path())?;
        let thread = thread::Builder::new().name("client".to_owned()).spawn(move || {
            let result = nix::sched::setns(&handle, nix::sched::CloneFlags::CLONE_NEWNET);
            let _ = entered.send(result);
            if result.is_ok() {
                poller::Poller::new(port, period, for_thread).run(&until);
            }
        })?;
        when_entered.recv().map_err(io::Error::other)??;
        Ok(Self { samples, end, thread: Some(thread) })
    }

    /// Every connection that ended, in the order of ending.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The good answers since `since`, and the last one before it: when complete, and by whom.
    #[must_use]
    pub fn good(&self, since: Stamp) -> Vec<(Stamp, String)> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let mut good: Vec<(Stamp, String)> = samples
            .iter()
            .filter_map(|sample| match &sample.reply {
                Reply::Good(node) => Some((sample.done, node.clone())),
                Reply::Silence | Reply::Refused(_) => None,
            })
            .collect();
        let first = good.iter().position(|&(at, _)| at >= since).unwrap_or(good.len());
        good.drain(..first.saturating_sub(1));
        good
    }

    /// Who answers now: the node of the last good answer, if it is not older than the limit of a connection.
    #[must_use]
    pub fn answered_by(&self) -> Option<String> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = samples.iter().rev().take_while(|sample| sample.done.elapsed() < LIMIT);
        fresh.into_iter().find_map(|sample| match &sample.reply {
            Reply::Good(node) => Some(node.clone()),
            Reply::Silence | Reply::Refused(_) => None,
        })
    }

    /// Every stretch since `since` in which no good answer came for `least` or longer. Answers that never came since
    /// the beginning are no outage: there was no service yet.
    #[must_use]
    pub fn outages(&self, since: Stamp, least: Duration) -> Vec<Outage> {
        let mut good = self.good(since);
        if !good.is_empty() {
            good.push((Stamp::NEVER, String::new()));
        }
        good.windows(2)
            .map(|pair| Outage {
                last_good: pair[0].0,
                from: pair[0].1.clone(),
                first_good: pair[1].0,
                to: pair[1].1.clone(),
            })
            .filter(|outage| outage.length() >= least)
            .collect()
    }

    /// The outages since `since` of `least` or longer that were the service's: in one in which the client hardly asked, it
    /// was not run itself, as happens on a busy machine. Waits until every connection that was begun has ended.
    #[must_use]
    pub fn without_service(&self, since: Stamp, least: Duration) -> Vec<Outage> {
        thread::sleep(LIMIT + Duration::from_millis(50));
        let samples = self.samples();
        let mut outages = self.outages(since, least);
        outages.retain(|outage| outage.asked(&samples) >= ASKED);
        outages
    }

    /// The longest stretch since `since` without a good answer; zero with fewer than two.
    #[must_use]
    pub fn longest_outage(&self, since: Stamp) -> Duration {
        self.outages(since, Duration::ZERO).iter().map(Outage::length).max().unwrap_or_default()
    }

    /// The answers since `since` as runs: when each began, who or what, and how many.
    #[must_use]
    pub fn story(&self, since: Stamp) -> Vec<(Stamp, String, usize)> {
        let mut runs: Vec<(Stamp, String, usize)> = Vec::new();
        for sample in self.samples().iter().filter(|sample| sample.done >= since) {
            let text = match &sample.reply {
                Reply::Good(node) => format!("answered by {node}"),
                Reply::Silence => "no answer".to_owned(),
                Reply::Refused(why) => why.clone(),
            };
            match runs.last_mut() {
                Some((_, last, count)) if *last == text => *count += 1,
                _ => runs.push((sample.done, text, 1)),
            }
        }
        runs
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_that_asks_goes_without() {
        let at = |ms: u64| Stamp(ms * 1_000_000);
        let outage = Outage {
            last_good: at(100),
            from: "ha-1".to_owned(),
            first_good: at(400),
            to: "ha-2".to_owned(),
        };
        let sample = |sent: u64| Sample { sent: at(sent), done: at(sent + 300), reply: Reply::Silence };
        let asleep = [sample(95), sample(390), sample(400)];
        assert_eq!(outage.asked(&asleep), 1);
        let awake: Vec<Sample> = (9..=41).map(|n| sample(n * 10)).collect();
        assert_eq!(outage.asked(&awake), 29);
    }
}
