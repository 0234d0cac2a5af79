//! What the bridge does besides passing frames on: it meets every datagram, and has something to say.

use crate::Port;
use crate::fence::{Fence, Guard, State, Word, words};
use crate::lane::Pass;
use crate::out::MAX_OWN;
use crate::report::{self, MARK, Page};
use hb_core::auth::{Key, Keyring};
use hb_core::{Duration, Instant, Side};

/// The victim counts as heard for so long while neither node has announced a deadtime.
const SILENCE: Duration = Duration::from_secs(30);

/// A datagram that waits for its place on the line.
#[derive(Clone, Debug)]
struct Said {
    bytes: [u8; MAX_OWN],
    len: usize,
}

impl Said {
    const NOTHING: Self = Self { bytes: [0; MAX_OWN], len: 0 };
}

/// For each of the two ports, A first.
#[derive(Debug)]
pub(crate) struct Office {
    guard: Option<Guard>,
    /// Of the node at that port.
    fences: [Fence; 2],
    /// To the node at that port.
    said: [Said; 2],
    pages: [Option<Page>; 2],
}

impl Office {
    pub(crate) const fn new() -> Self {
        Self { guard: None, fences: [Fence::new(), Fence::new()], said: [Said::NOTHING; 2], pages: [None; 2] }
    }

    pub(crate) fn guard(&mut self, keys: Keyring, cluster: u16, seed: u64) {
        self.guard = Some(Guard { keys, cluster, seed });
    }

    pub(crate) fn guard_by(&mut self, keys: &[(u8, Key)], signer: u8, cluster: u16, seed: u64) -> bool {
        if let Ok(keys) = Keyring::new(keys, signer) {
            self.guard = Some(Guard { keys, cluster, seed });
        }
        self.guard.is_some()
    }

    /// A whole datagram came in at `port`.
    pub(crate) fn meet(&mut self, port: Port, datagram: &[u8], now: Instant) -> Pass {
        let Self { guard, fences, .. } = self;
        if datagram.first() != Some(&MARK) {
            if let Some(guard) = guard {
                let told = port.of_mut(fences).hear(datagram, guard, now);
                self.tell(port.other(), told);
            }
            return Pass::On;
        }
        if let Some(page) = report::asked(datagram) {
            *port.of_mut(&mut self.pages) = Some(page);
            return Pass::Taken;
        }
        let Some(guard) = guard else { return Pass::Bad };
        let Some((side, word)) = words::open(datagram, guard.cluster, &guard.keys) else { return Pass::Bad };
        let silence = fences.iter().filter_map(Fence::deadtime).max().unwrap_or(SILENCE);
        let answer = port.other().of_mut(fences).ask(side, word, silence, guard, now);
        self.tell(port, answer.map(|word| (side, word)));
        Pass::Taken
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, now: Instant) {
        for port in Port::BOTH {
            let told = port.of_mut(&mut self.fences).tick(now);
            self.tell(port.other(), told);
        }
    }

    fn tell(&mut self, port: Port, told: Option<(Side, Word)>) {
        let (Some((side, word)), Some(guard)) = (told, &self.guard) else { return };
        let said = port.of_mut(&mut self.said);
        said.len = words::seal(word, side, guard.cluster, &guard.keys, &mut said.bytes).unwrap_or(0);
    }

    /// What is to be said to the node at `port`; [`Self::is_said`] when it has its place.
    pub(crate) fn to_say(&self, port: Port) -> &[u8] {
        let said = port.of(&self.said);
        said.bytes.get(..said.len).unwrap_or_default()
    }

    pub(crate) fn is_said(&mut self, port: Port) {
        port.of_mut(&mut self.said).len = 0;
    }

    pub(crate) fn page(&mut self, port: Port) -> Option<Page> {
        port.of_mut(&mut self.pages).take()
    }

    pub(crate) fn sense(&mut self, port: Port, up: bool) {
        port.of_mut(&mut self.fences).sense(up);
    }

    pub(crate) fn is_on(&self, port: Port) -> bool {
        port.of(&self.fences).is_on()
    }

    pub(crate) fn state(&self, port: Port) -> State {
        port.of(&self.fences).state()
    }
}
