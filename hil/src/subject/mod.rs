//! The rig of namespaces for a failover daemon of yours: implement [`Subject`], and the cases of [`cases`] play power
//! losses, cuts and ordered stops on it, with the same client and the same watch over "both at once" as `hbd` has.
//!
//! `examples/shell_failover.rs` is a whole one; `docs/bench.md` goes through it.

pub mod cases;

pub use cases::{CASES, Case};

use crate::netns::{Builder, Cable, Node, Rig, Stamp};
use crate::series::{One, Outcome, Series, Verdicts, folder};
use std::thread;
use std::time::{Duration, Instant};

/// A daemon that is to keep one service alive on two machines.
///
/// What it finds on each machine: `eth0` on the LAN (192.168.2.2 and .3), `eth1` on the crossover cable (10.0.0.1 and
/// .2), a service that `/etc/init.d/jdmail start|stop|status` runs, and which a client reaches at 192.168.2.50.
pub trait Subject {
    /// What the verdicts call it.
    fn name(&self) -> &str;

    /// Starts it on a machine that has booted, and comes back without waiting for anything.
    ///
    /// # Errors
    /// It cannot be started.
    fn start(&self, rig: &Rig, node: Node) -> Result<(), String>;

    /// Has it leave in order.
    ///
    /// # Errors
    /// It cannot be told.
    fn stop(&self, rig: &Rig, node: Node) -> Result<(), String>;

    /// How long the client may be without service after a power loss, as it promises.
    fn within(&self) -> Duration;
}

/// One rig with the daemon running on both machines.
pub struct Trial<'a> {
    /// The daemon.
    pub subject: &'a dyn Subject,
    /// Its machines.
    pub rig: Rig,
}

impl<'a> Trial<'a> {
    /// Two machines, the daemon started on both, the service answered; `None` without root.
    ///
    /// # Errors
    /// It does not start, or brings no service up within three times what it promises.
    pub fn new(subject: &'a dyn Subject) -> Result<Option<Self>, String> {
        // The files of hbd lie there as well, and nobody reads them.
        let Some(rig) = Builder::new(subject.name()).build() else { return Ok(None) };
        for node in Node::BOTH {
            subject.start(&rig, node)?;
        }
        let trial = Self { subject, rig };
        trial.served()?;
        // What it does to begin with (a failback, an election) is over then.
        thread::sleep(subject.within());
        Ok(Some(trial))
    }

    /// Who answers the client, within three times what is promised.
    ///
    /// # Errors
    /// Nobody does.
    pub fn served(&self) -> Result<Node, String> {
        let limit = self.subject.within() * 3;
        let mut holder = None;
        self.rig.within("somebody serves", limit, || {
            let name = self.rig.client().answered_by();
            holder = Node::BOTH.into_iter().find(|node| Some(node.name()) == name.as_deref());
            holder.is_some()
        });
        holder.ok_or_else(|| format!("nobody serves for {:.1} s", limit.as_secs_f64()))
    }

    /// That the other node serves in time after `node` was lost at `at`; how long the client was without.
    ///
    /// # Errors
    /// It does not, or it took longer than promised.
    pub fn taken_over(&self, node: Node, at: Stamp) -> Result<Duration, String> {
        let (limit, other) = (self.subject.within(), node.other().name());
        let serves = || self.rig.client().answered_by().as_deref() == Some(other);
        if self.rig.within(&format!("{other} serves"), limit * 2, serves).is_none() {
            return Err(format!("{other} does not serve after {:.1} s", (limit * 2).as_secs_f64()));
        }
        let outage = self.rig.client().longest_outage(at);
        if outage > limit {
            return Err(format!("{} ms without service, {} promised", outage.as_millis(), limit.as_millis()));
        }
        Ok(outage)
    }

    /// That the two never had a part of the service (its address, its process) at the same time since `since`.
    ///
    /// # Errors
    /// They had: for how long.
    pub fn never_both(&self, since: Stamp) -> Result<(), String> {
        match self.rig.overlap(since) {
            Duration::ZERO => Ok(()),
            both => Err(format!("both machines had the service for {} ms", both.as_millis())),
        }
    }

    /// Pulls the crossover cable for `time`.
    pub fn cut_for(&self, time: Duration) -> Stamp {
        let at = self.rig.cut(&[Cable::Cross]);
        thread::sleep(time);
        self.rig.mend(&[Cable::Cross]);
        at
    }
}

/// Plays these cases on it, each on a rig of its own, as often as the series says.
///
/// # Errors
/// Never what a case found: that is in the verdicts. No root, or the rig cannot be built.
pub fn try_out(subject: &dyn Subject, cases: &[&Case], series: Series) -> Result<Verdicts, String> {
    series.play(subject.name(), &series.share(cases.to_vec()), |round, case| {
        let begun = Instant::now();
        let told = match Trial::new(subject) {
            Ok(None) => return Err("network namespaces need root".to_owned()),
            Ok(Some(trial)) => (case.run)(&trial),
            Err(why) => Err(format!("before the case: {why}")),
        };
        let (outcome, detail) = match told {
            Ok(detail) => (Outcome::Passed, detail),
            Err(why) => (Outcome::Failed(vec![why]), String::new()),
        };
        println!("{} {}: {outcome:?} {detail}", subject.name(), folder(round, case.name));
        Ok(One { case: case.name.to_owned(), round, outcome, took: begun.elapsed(), detail })
    })
}
