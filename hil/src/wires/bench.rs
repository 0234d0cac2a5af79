//! One server, the peer on its cable, the client: what a case is written against.

use super::cluster::Role;
use super::peer::{Line, Peer, span};
use super::server::{Client, Server};
use crate::netns::{Stamp, Status};
use hb_core::message::GroupState;
use hb_core::{PeerState, Saved};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// Why a case did not pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It could not run here.
    Skipped(String),
    /// It ran, and something was not as it must be.
    Failed(String),
}

impl From<String> for Verdict {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

/// What a case answers: a line of measured figures.
pub type Answer = Result<String, Verdict>;

/// The bench.
#[derive(Debug)]
pub struct Bench {
    /// The server under test.
    pub server: Server,
    /// What the peer is.
    pub role: Role,
    /// The client, if the rig file names a service.
    pub client: Option<Client>,
    peer: Option<Peer>,
    story: Mutex<Vec<(Stamp, String)>>,
    wire: String,
    born: Stamp,
}

impl Bench {
    /// A bench without a peer, of which nothing was told yet.
    #[must_use]
    pub fn new(server: Server, role: Role, client: Option<Client>) -> Self {
        let born = Stamp::now();
        Self { server, role, client, peer: None, story: Mutex::default(), wire: String::new(), born }
    }

    /// Tells something that happens. Says when.
    pub fn note(&self, text: impl Into<String>) -> Stamp {
        let at = Stamp::now();
        self.story.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, text.into()));
        at
    }

    /// The keepalive, the deadtime.
    #[must_use]
    pub fn times(&self) -> (Duration, Duration) {
        let timing = self.role.config.timing;
        (span(timing.keepalive), span(timing.deadtime))
    }

    /// A new life of the peer.
    ///
    /// # Errors
    /// The serial device.
    pub fn start_peer(&mut self) -> Result<(), String> {
        self.note("the peer starts");
        let file = &self.server.file;
        let peer = Peer::start(&self.role, &file.serial, file.baud, &Saved::default());
        self.peer = Some(peer.map_err(|e| e.to_string())?);
        Ok(())
    }

    /// The peer loses its power.
    pub fn stop_peer(&mut self) {
        if let Some(peer) = self.peer.take() {
            self.collect(&peer);
            self.note("the peer is gone");
        }
    }

    /// The running peer.
    ///
    /// # Errors
    /// None runs.
    pub fn peer(&self) -> Result<&Peer, String> {
        self.peer.as_ref().ok_or_else(|| "no peer runs".to_owned())
    }

    fn collect(&mut self, peer: &Peer) {
        let mut story = self.story.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        story.extend(peer.notes().into_iter().map(|note| (note.at, format!("    peer: {}", note.text))));
        for (from, until) in peer.held() {
            story.push((from, "    peer: the service runs".to_owned()));
            if until != Stamp::NEVER {
                story.push((until, "    peer: the service is stopped".to_owned()));
            }
        }
        drop(story);
        for (at, sent, bytes) in peer.wire() {
            let way = if sent { "peer   >" } else { "server >" };
            let _ = write!(self.wire, "{:12.6} {way}", at.since(self.born).as_secs_f64());
            bytes.iter().for_each(|byte| {
                let _ = write!(self.wire, " {byte:02x}");
            });
            self.wire.push('\n');
        }
    }

    /// Waits until `condition` holds, at most `limit`; says when it did.
    ///
    /// # Errors
    /// It did not, with both sides' last words.
    pub fn wait(
        &self,
        what: &str,
        limit: Duration,
        condition: impl Fn(&Self) -> bool,
    ) -> Result<Stamp, String> {
        let begin = self.note(format!("waiting until {what}"));
        while begin.elapsed() < limit {
            let at = Stamp::now();
            if condition(self) {
                self.note(format!("{what}: yes, after {:.3} s", at.since(begin).as_secs_f64()));
                return Ok(at);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("not within {:.1} s: {what}; {}", limit.as_secs_f64(), self.situation()))
    }

    /// Both sides in a line.
    #[must_use]
    pub fn situation(&self) -> String {
        let status = self.server.status();
        let text = |f: fn(&Status) -> &str| status.as_ref().map_or("-", f).to_owned();
        let peer = self.peer.as_ref();
        format!(
            "server: group {}, sees the peer {}; peer: group {:?}, sees the server {:?}",
            text(Status::group),
            text(Status::peer),
            peer.and_then(Peer::group),
            peer.and_then(Peer::sees),
        )
    }

    /// Is the peer's group in this state?
    #[must_use]
    pub fn peer_is(&self, state: GroupState) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.group() == Some(state))
    }

    /// Does the peer see the server so?
    #[must_use]
    pub fn peer_sees(&self, state: PeerState) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.sees() == Some(state))
    }

    /// Is the server's group in this state, and does it see the peer so?
    #[must_use]
    pub fn server_is(&self, group: &str, peer: &str) -> bool {
        self.server.status().is_some_and(|status| status.group() == group && status.peer() == peer)
    }

    /// Both up, the server holds, the peer idles; where there is a client, it is answered.
    ///
    /// # Errors
    /// It does not come to that.
    pub fn settle(&mut self) -> Result<(), String> {
        self.server.wait_console()?;
        self.server.start()?;
        if self.peer.as_ref().is_none_or(Peer::has_left) {
            self.stop_peer();
            self.start_peer()?;
        }
        self.peer()?.set_line(Line::default());
        let (_, deadtime) = self.times();
        let initdead = span(self.role.config.timing.initdead);
        let limit = initdead + deadtime * 3 + Duration::from_secs(20);
        // Failback is the files' matter: where it is off, an operator brings the service home.
        if !self.role.config.failback && !self.server_is("held", "up") {
            self.wait("both are up", limit, |b| b.peer_sees(PeerState::Up))?;
            let _ = self.server.hbd("takeover --no-wait");
        }
        self.wait("the server holds, both are up and agree on the files", limit, |b| {
            let agreed = b.peer.as_ref().and_then(Peer::status).and_then(|s| s.peer.config_match);
            b.server_is("held", "up") && b.peer_is(GroupState::Idle) && agreed == Some(true)
        })?;
        if self.client.is_some() {
            self.wait("the client is answered", Duration::from_secs(10), Self::is_answered)?;
        }
        Ok(())
    }

    /// Is the client answered (or is there none)?
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.client.as_ref().is_none_or(Client::is_answered)
    }

    /// Watch that `condition` holds all the time for `time`.
    ///
    /// # Errors
    /// It did not.
    pub fn stays(&self, what: &str, time: Duration, condition: impl Fn(&Self) -> bool) -> Result<(), String> {
        let begin = self.note(format!("for {:.1} s it must stay so that {what}", time.as_secs_f64()));
        while begin.elapsed() < time {
            if !condition(self) {
                let after = begin.elapsed().as_secs_f64();
                return Err(format!("no longer after {after:.3} s: {what}; {}", self.situation()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Since `since` the client was answered at these times while the peer's service ran too: the longest such stretch.
    #[must_use]
    pub fn overlap(&self, since: Stamp) -> Duration {
        let (Some(client), Some(peer)) = (&self.client, &self.peer) else { return Duration::ZERO };
        let held = peer.held();
        let both = |at: Stamp| held.iter().any(|&(from, until)| at >= from && at < until);
        let (mut longest, mut begin) = (Duration::ZERO, None);
        for (at, good) in client.samples().into_iter().filter(|&(at, _)| at >= since) {
            begin = if good && both(at) { begin.or(Some(at)) } else { None };
            longest = longest.max(begin.map_or(Duration::ZERO, |begin| at.since(begin)));
        }
        longest
    }

    /// When since `since` the peer's service began to run.
    #[must_use]
    pub fn peer_began(&self, since: Stamp) -> Option<Stamp> {
        let held = self.peer.as_ref().map(Peer::held).unwrap_or_default();
        held.into_iter().map(|(from, _)| from).find(|&from| from >= since)
    }

    /// Writes the evidence of a case, and begins the next one's.
    ///
    /// # Errors
    /// The disk.
    pub fn evidence(&mut self, dir: &Path, name: &str, answer: &Answer) -> Result<(), String> {
        if let Some(peer) = self.peer.take() {
            self.collect(&peer);
            self.peer = Some(peer);
        }
        let dir = dir.join(name);
        let told = |e: std::io::Error| format!("{}: {e}", dir.display());
        fs::create_dir_all(&dir).map_err(told)?;
        let mut story =
            std::mem::take(&mut *self.story.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        story.sort_by_key(|&(at, _)| at);
        let lines: String = story
            .iter()
            .filter(|&&(at, _)| at >= self.born)
            .map(|(at, text)| format!("{:10.3} {text}\n", at.since(self.born).as_secs_f64()))
            .collect();
        let (verdict, detail) = match answer {
            Ok(text) => ("passed", text),
            Err(Verdict::Skipped(text)) => ("skipped", text),
            Err(Verdict::Failed(text)) => ("FAILED", text),
        };
        let server = &self.server.file.name;
        let json = serde_json::json!({
            "case": name, "server": server, "verdict": verdict, "detail": detail,
            "seconds": self.born.elapsed().as_secs_f64(),
        });
        fs::write(dir.join("story.txt"), lines).map_err(told)?;
        fs::write(dir.join("wire.txt"), std::mem::take(&mut self.wire)).map_err(told)?;
        fs::write(dir.join("verdict.json"), format!("{json:#}\n")).map_err(told)?;
        if matches!(answer, Err(Verdict::Failed(_))) {
            let log = self.server.run("tail -n 200 /var/log/ha-log; tail -n 200 /var/log/ha-debug");
            let log = log.map_or_else(|e| e, |output| output.stdout);
            fs::write(dir.join("server.txt"), log).map_err(told)?;
        }
        self.born = Stamp::now();
        Ok(())
    }
}
