//! New signing keys beside a living peer, and crc beside a secret (DESIGN §4).

use crate::*;
use hb_core::auth::{Key, Keyring, Method};
use hb_core::{Event, PeerState};

fn ring(keys: &[(u8, Method, &str)], signer: u8) -> Keyring {
    let key = |(index, method, secret): &(u8, Method, &str)| {
        (*index, Key::new(*method, secret.as_bytes()).unwrap())
    };
    Keyring::new(&keys.iter().map(key).collect::<Vec<_>>(), signer).unwrap()
}

const OLD: (u8, Method, &str) = (1, Method::Sha1, "secret");
const NEW: (u8, Method, &str) = (2, Method::Sha256, "another");
const CRC: (u8, Method, &str) = (3, Method::Crc, "");

fn pair(keys: &Keyring) -> World {
    let mut world = World::new(|c| c.failback = false);
    for host in [A, B] {
        world.hosts[host].keys = keys.clone();
    }
    world.start(A);
    world.start(B);
    world.until(ms(2000), |w| w.serves(A)).expect("service");
    world.run(ms(1000));
    world
}

/// As `hbd reload` does: the answer, once it is there.
fn reload(world: &mut World, host: usize, keys: &Keyring) -> Result<bool, u8> {
    world.hosts[host].keys = keys.clone();
    let now = world.now;
    let begun = world.hosts[host].node.as_mut().unwrap().try_keys(now, keys.clone())?;
    world.drain(host);
    if !begun {
        return Ok(true);
    }
    let trial = |w: &World| w.hosts[host].node.as_ref().unwrap().key_trial();
    world.until(ms(310), |w| trial(w).is_some()).expect("half a deadtime");
    Ok(trial(world).unwrap())
}

fn undisturbed(world: &World) {
    for host in &world.hosts {
        let glance = host.node.as_ref().unwrap().glance();
        assert_eq!(glance.peer, PeerState::Up);
        let late = |e: &Event| matches!(e, Event::PeerLate(_) | Event::PeerDead(_));
        assert!(!host.events.iter().any(late), "{:?}", host.events);
    }
    assert!(world.serves(A) && !world.serves(B));
    assert_eq!(world.overlap, ms(0));
}

#[test]
fn a_rotation_loses_no_beat_in_either_order() {
    for order in [[A, B], [B, A]] {
        let mut world = pair(&ring(&[OLD], 1));
        for keys in [ring(&[OLD, NEW], 1), ring(&[OLD, NEW], 2), ring(&[NEW], 2)] {
            for host in order {
                assert_eq!(reload(&mut world, host, &keys), Ok(true));
                world.run(ms(1000));
            }
        }
        undisturbed(&world);
    }
}

#[test]
fn a_key_that_the_peer_lacks_is_not_taken() {
    for wrong in [(2, Method::Sha256, "Another"), (4, Method::Sha1, "another")] {
        let mut world = pair(&ring(&[OLD, NEW], 1));
        assert_eq!(reload(&mut world, A, &ring(&[OLD, wrong], wrong.0)), Ok(false));
        assert!(world.hosts[A].events.contains(&Event::KeyNotTaken(wrong.0)));
        world.run(ms(3000));
        undisturbed(&world);
    }
}

#[test]
fn a_file_without_the_key_that_the_peer_signs_with_is_refused() {
    let mut world = pair(&ring(&[OLD, NEW], 1));
    assert_eq!(reload(&mut world, A, &ring(&[NEW], 2)), Err(1));
    world.run(ms(3000));
    undisturbed(&world);
    world.power_off(B);
    world.run(ms(1000));
    assert_eq!(reload(&mut world, A, &ring(&[NEW], 2)), Ok(true), "nobody is there to lose");
}

#[test]
fn from_crc_to_a_secret_with_a_restart_in_the_middle() {
    for order in [[A, B], [B, A]] {
        for restarted in [A, B] {
            let mut world = pair(&ring(&[CRC], 3));
            for (step, keys) in
                [ring(&[CRC, OLD], 3), ring(&[CRC, OLD], 1), ring(&[OLD], 1)].iter().enumerate()
            {
                for host in order {
                    assert_eq!(reload(&mut world, host, keys), Ok(true), "step {step}");
                    world.run(ms(1000));
                    if step == 1 && host == order[0] {
                        undisturbed(&world);
                        world.kill(restarted);
                        world.run(ms(100));
                        world.start(restarted);
                        world.until(ms(3000), |w| w.serves(A) != w.serves(B)).expect("one of them serves");
                        world.run(ms(2000));
                    }
                }
            }
            assert!(world.serves(A) != world.serves(B));
            assert_eq!(world.overlap, ms(0));
        }
    }
}

#[test]
fn a_rotation_from_crc_loses_no_beat_at_whatever_moment_it_begins() {
    for order in [[A, B], [B, A]] {
        for phase in 0..20 {
            let mut world = pair(&ring(&[CRC], 3));
            for keys in [ring(&[CRC, OLD], 3), ring(&[CRC, OLD], 1), ring(&[OLD], 1)] {
                for host in order {
                    world.run(ms(300 + 5 * phase));
                    assert_eq!(reload(&mut world, host, &keys), Ok(true));
                    world.run(ms(300));
                }
            }
            undisturbed(&world);
            for host in &world.hosts {
                let status = host.node.as_ref().unwrap().status(world.now);
                let lost: Vec<_> = status.links.iter().map(|link| (link.lost, link.bad)).collect();
                assert!(lost.iter().all(|link| *link == (0, 0)), "{order:?}, {phase}: {lost:?}");
            }
        }
    }
}

/// A node that went back to an old file is not called dead while it serves.
#[test]
fn crc_beside_a_secret_proves_nothing_but_is_evidence_of_a_holder() {
    let mut world = pair(&ring(&[CRC, OLD], 1));
    world.probes_see_the_peer = true;
    let now = world.now;
    let node = world.hosts[A].node.as_mut().unwrap();
    assert!(!node.has_keys(&ring(&[CRC], 3)));
    node.set_keys(ring(&[CRC], 3));
    let _ = now;
    world.run(ms(5000));
    assert!(world.serves(A) && !world.serves(B), "B asked the address first");
    let saved = world.hosts[B].saved.clone();
    assert_ne!(saved.keyed, 0);
    world.kill(B);
    world.start(B);
    world.run(ms(6000));
    assert!(world.serves(A) && !world.serves(B), "its next life remembers");
}

#[test]
fn frames_that_no_key_verifies_are_named_on_their_link() {
    let mut world = World::new(|_| {});
    world.hosts[B].keys = ring(&[NEW], 2);
    world.start(A);
    world.start(B);
    world.run(ms(1000));
    let unsigned =
        |w: &World| w.hosts[A].node.as_ref().unwrap().status(w.now).links.iter().all(|link| link.unsigned);
    assert!(unsigned(&world));
    world.power_off(B);
    world.run(ms(1000));
    assert!(!unsigned(&world), "nothing comes any more");
}

/// Whoever can make a crc frame could make this one; also where the one who knows better has been started again since.
#[test]
fn a_new_life_that_signs_with_crc_is_met_by_nobody_who_knows_better() {
    for restarted in [false, true] {
        let mut world = pair(&ring(&[CRC, OLD], 1));
        world.probes_see_the_peer = true;
        let before = world.hosts[B].node.as_ref().unwrap().glance().met;
        world.kill(A);
        if restarted {
            world.kill(B);
            world.start(B);
        }
        world.hosts[A].keys = ring(&[CRC, OLD], 3);
        world.start(A);
        world.run(ms(4000));
        let glance = world.hosts[B].node.as_ref().unwrap().glance();
        assert_eq!((glance.peer, glance.met), (PeerState::Dead, before.filter(|_| !restarted)));
    }
}
