//! `socketcall` and `poll`, whose arguments are in memory: what a 2.4 kernel makes of newer flags there.

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It goes on as it is.
    Pass,
    /// It answers this error.
    Refuse(u32),
    /// It goes on with this word of its arguments replaced, because an old kernel ignores the difference.
    Replace(usize, u32),
}

const EINVAL: u32 = 22;
const ENOPROTOOPT: u32 = 92;
const EPROTONOSUPPORT: u32 = 93;
const ESOCKTNOSUPPORT: u32 = 94;
const EAFNOSUPPORT: u32 = 97;

const SOCKET: u32 = 1;
const SOCKETPAIR: u32 = 8;
const SEND: u32 = 9;
const RECV: u32 = 10;
const SENDTO: u32 = 11;
const RECVFROM: u32 = 12;
const SETSOCKOPT: u32 = 14;
const GETSOCKOPT: u32 = 15;
const SENDMSG: u32 = 16;
const RECVMSG: u32 = 17;

/// MSG_OOB to MSG_ERRQUEUE, MSG_NOSIGNAL. MSG_MORE, MSG_CMSG_CLOEXEC and the like are ignored.
const MESSAGE_FLAGS: u32 = 0x7fff;

/// The words of memory that a `socketcall` of this kind reads.
#[must_use]
pub fn words(call: u32) -> usize {
    const COUNTS: [usize; 18] = [0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3];
    usize::try_from(call).ok().and_then(|call| COUNTS.get(call).copied()).unwrap_or(0)
}

/// Judges a `socketcall` by its arguments; words that a call does not have are 0.
#[must_use]
pub fn judge(call: u32, words: [u32; 6]) -> Verdict {
    let flags = |at: usize| match words[at] & !MESSAGE_FLAGS {
        0 => Verdict::Pass,
        _ => Verdict::Replace(at, words[at] & MESSAGE_FLAGS),
    };
    match call {
        SOCKET | SOCKETPAIR => socket(words[0], words[1], words[2]),
        SEND | RECV | SENDTO | RECVFROM => flags(3),
        SENDMSG | RECVMSG => flags(2),
        SETSOCKOPT | GETSOCKOPT if !option(words[1], words[2]) => Verdict::Refuse(ENOPROTOOPT),
        // bind, connect, listen, accept, the names, shutdown.
        2..=7 | 13 | SETSOCKOPT | GETSOCKOPT => Verdict::Pass,
        // accept4, recvmmsg, sendmmsg, and what never was.
        _ => Verdict::Refuse(EINVAL),
    }
}

fn socket(family: u32, kind: u32, protocol: u32) -> Verdict {
    const UNIX: u32 = 1;
    const INET: u32 = 2;
    match (family, kind, protocol) {
        // NPROTO, SOCK_MAX. SOCK_CLOEXEC and SOCK_NONBLOCK are far above.
        (32.., _, _) => Verdict::Refuse(EAFNOSUPPORT),
        (_, 11.., _) => Verdict::Refuse(EINVAL),
        // SOCK_SEQPACKET.
        (UNIX, 4.., _) => Verdict::Refuse(ESOCKTNOSUPPORT),
        // The "ping socket": SOCK_DGRAM with IPPROTO_ICMP.
        (INET, 2, 1) => Verdict::Refuse(EPROTONOSUPPORT),
        _ => Verdict::Pass,
    }
}

/// Does a 2.4 kernel know this socket option?
fn option(level: u32, name: u32) -> bool {
    match level {
        // SOL_SOCKET: all to SO_ACCEPTCONN but SO_REUSEPORT.
        1 => (1..=30).contains(&name) && name != 15,
        // IP, and netfilter's tables.
        0 => matches!(name, 1..=15 | 32..=36 | 64..=67),
        // TCP_NODELAY to TCP_QUICKACK.
        6 => (1..=12).contains(&name),
        // SOL_RAW: ICMP_FILTER. SOL_PACKET: to PACKET_COPY_THRESH.
        255 => name == 1,
        263 => (1..=7).contains(&name),
        _ => false,
    }
}

/// POLLIN to POLLMSG; POLLRDHUP came later and is ignored.
const POLL_EVENTS: u16 = 0x07ff;

/// The events of a `pollfd` as an old kernel sees them, if that is a difference.
#[must_use]
pub fn poll_events(events: u16) -> Option<u16> {
    let seen = events & POLL_EVENTS;
    (seen != events).then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_with_newer_flags_is_refused() {
        let socket = |kind| judge(SOCKET, [2, kind, 0, 0, 0, 0]);
        assert_eq!(socket(2), Verdict::Pass);
        assert_eq!(socket(2 | 0x8_0000), Verdict::Refuse(EINVAL));
        assert_eq!(socket(2 | 0x800), Verdict::Refuse(EINVAL));
        assert_eq!(judge(SOCKETPAIR, [1, 1 | 0x8_0000, 0, 0, 0, 0]), Verdict::Refuse(EINVAL));
        assert_eq!(judge(SOCKET, [1, 5, 0, 0, 0, 0]), Verdict::Refuse(ESOCKTNOSUPPORT));
        assert_eq!(judge(SOCKET, [2, 2, 1, 0, 0, 0]), Verdict::Refuse(EPROTONOSUPPORT));
        // accept4.
        assert_eq!(judge(18, [3, 0, 0, 0, 0, 0]), Verdict::Refuse(EINVAL));
    }

    #[test]
    fn newer_message_flags_are_taken_away() {
        assert_eq!(judge(RECVMSG, [3, 0, 0x4000_0040, 0, 0, 0]), Verdict::Replace(2, 0x40));
        assert_eq!(judge(SENDTO, [3, 0, 0, 0x4040, 0, 0]), Verdict::Pass);
    }

    #[test]
    fn newer_options_are_unknown() {
        let set = |level, name| judge(SETSOCKOPT, [3, level, name, 0, 0, 0]);
        for (level, name) in [(1, 6), (1, 25), (1, 20), (0, 8), (0, 35), (255, 1), (6, 1)] {
            assert_eq!(set(level, name), Verdict::Pass, "{level} {name}");
        }
        // SO_REUSEPORT, SO_RCVBUFFORCE, IP_MULTICAST_ALL.
        for (level, name) in [(1, 15), (1, 33), (0, 49)] {
            assert_eq!(set(level, name), Verdict::Refuse(ENOPROTOOPT), "{level} {name}");
        }
    }

    #[test]
    fn every_call_but_the_unknown_has_words() {
        assert!((1..=17).all(|call| words(call) >= 2));
        assert_eq!((words(0), words(18), words(99)), (0, 0, 0));
    }

    #[test]
    fn only_the_newer_poll_event_is_dropped() {
        assert_eq!(poll_events(0x2001), Some(0x0001));
        assert_eq!(poll_events(0x0041), None);
    }
}
