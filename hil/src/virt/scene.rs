//! What a case can do and ask: the words in which the cases are written.

use super::agent::Answer;
use super::guest::Guest;
use super::record::{Record, What};
use super::rig::{Rig, Setup};
use crate::netns::{Node, Stamp, Status};
use std::thread;
use std::time::Duration;

/// For a command that does not wait for anything.
pub const SOON: Duration = Duration::from_secs(20);

/// A rig and the record of what happens on it.
#[derive(Debug)]
pub struct Scene {
    /// The guests and their wires.
    pub rig: Rig,
    /// Notes, checks and figures.
    pub record: Record,
    /// What the rig was built from.
    pub setup: Setup,
}

/// How a story ends early: what could not be done.
pub type Told<T> = Result<T, String>;

impl Scene {
    /// A guest.
    #[must_use]
    pub fn guest(&self, node: Node) -> &Guest {
        self.rig.guest(node)
    }

    /// Tells the next step of the story. Says when.
    pub fn say(&mut self, text: &str) -> Stamp {
        self.record.note(text)
    }

    /// Switches both on and waits until both have booted.
    ///
    /// # Errors
    /// One does not.
    pub fn boot_both(&mut self) -> Told<()> {
        let since = Node::BOTH.map(|node| self.guest(node).agent.count());
        for node in Node::BOTH {
            self.guest(node).power_on()?;
        }
        self.say("both machines are switched on");
        for node in Node::BOTH {
            self.guest(node).booted(since[node.index()])?;
            self.record.fault(What::Power, node.name(), false);
            self.say(&format!("{} has booted", node.name()));
        }
        Ok(())
    }

    /// Switches one on and waits until it has booted.
    ///
    /// # Errors
    /// It does not.
    pub fn boot(&mut self, node: Node) -> Told<()> {
        let since = self.guest(node).agent.count();
        self.guest(node).power_on()?;
        self.say(&format!("{} is switched on", node.name()));
        self.guest(node).booted(since)?;
        self.record.fault(What::Power, node.name(), false);
        self.say(&format!("{} has booted", node.name()));
        Ok(())
    }

    /// Pulls a machine's mains plug. Says when.
    pub fn power_off(&mut self, node: Node) -> Stamp {
        self.say(&format!("{}: the mains plug is pulled", node.name()));
        self.record.fault(What::Power, node.name(), true);
        self.guest(node).power_off()
    }

    /// A shell line on a guest, which must succeed.
    ///
    /// # Errors
    /// It fails, or the guest does not answer.
    pub fn shell(&mut self, node: Node, line: &str) -> Told<String> {
        let answer = self.try_shell(node, line)?;
        if answer.code == 0 {
            Ok(answer.text)
        } else {
            Err(format!("{}: {line}: code {}: {}", node.name(), answer.code, answer.text))
        }
    }

    /// A shell line on a guest.
    ///
    /// # Errors
    /// The guest does not answer.
    pub fn try_shell(&mut self, node: Node, line: &str) -> Told<Answer> {
        self.say(&format!("{}# {line}", node.name()));
        self.guest(node).shell(line, SOON)
    }

    /// `hbd status --json`; `None` while nothing answers.
    #[must_use]
    pub fn status(&self, node: Node) -> Option<Status> {
        let answer = self.guest(node).shell("hbd status --json", SOON).ok()?;
        if answer.code == 0 { Status::parse(&answer.text) } else { None }
    }

    /// Waits until `held` holds, looking every 50 ms.
    ///
    /// # Errors
    /// It does not hold in time.
    pub fn until(&mut self, what: &str, limit: Duration, held: impl Fn(&Self) -> bool) -> Told<Stamp> {
        let began = Stamp::now();
        loop {
            if held(self) {
                return Ok(self.say(what));
            }
            if began.elapsed() > limit {
                return Err(format!("not within {} s: {what}", limit.as_secs()));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the client is answered by this node.
    ///
    /// # Errors
    /// It is not, in time.
    pub fn served_by(&mut self, node: Node, limit: Duration) -> Told<Stamp> {
        let name = node.name();
        self.until(&format!("the client is answered by {name}"), limit, |scene| {
            scene.rig.network.client.answered_by().as_deref() == Some(name)
        })
    }

    /// Waits until a node's daemon has met its peer.
    ///
    /// # Errors
    /// It has not, in time.
    pub fn peer_up(&mut self, node: Node, limit: Duration) -> Told<Stamp> {
        self.until(&format!("{} has met its peer", node.name()), limit, |scene| {
            scene.status(node).is_some_and(|status| status.peer() == "up")
        })
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.say(&format!("{:.1} s pass", time.as_secs_f64()));
        thread::sleep(time);
    }

    /// Both machines on, met, and the service on the first.
    ///
    /// # Errors
    /// It does not come to that.
    pub fn in_service(&mut self) -> Told<()> {
        self.boot_both()?;
        self.served_by(Node::Ha1, Duration::from_secs(180))?;
        self.peer_up(Node::Ha1, SOON)?;
        self.peer_up(Node::Ha2, SOON).map(drop)
    }
}
