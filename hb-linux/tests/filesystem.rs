//! The embedded `Filesystem` on real mounts, under every shell that this machine has.

mod netns;

use netns::shells::{Rig, begin, each, gone, until};
use netns::{run, shell};
use std::fs;

/// Until `child` stands in `dir`, runs from it or has a file of it open.
fn uses(child: &std::process::Child, dir: &str) {
    let look = format!("ls -l /proc/{0}/cwd /proc/{0}/exe /proc/{0}/fd | grep -q -e '-> {dir}'", child.id());
    until("it uses the file system", || shell(&look).0 == 0);
}

#[test]
fn a_file_system_is_mounted_and_taken_off() {
    each("a_file_system_is_mounted_and_taken_off", |rig| {
        let dir = rig.dir.display().to_string();
        run(&format!("mkdir {dir}/data {dir}/link-to && ln -s {dir}/link-to {dir}/link"));
        let call = |verb: &str| format!("hbdtest {dir}/data tmpfs size=1m {verb}");
        let (start, stop, status) = (call("start"), call("stop"), call("status"));
        rig.expect(
            "Filesystem",
            &[
                (&status, 3, "stopped"),
                (&stop, 0, ""),
                (&start, 0, ""),
                (&status, 0, "running"),
                (&start, 0, ""),
                (&call("monitor"), 0, "running"),
                (&stop, 0, ""),
                (&status, 3, "stopped"),
                (&stop, 0, ""),
                (&format!("hbdtest {dir}/none tmpfs start"), 1, "there is no directory"),
                (&format!("hbdtest {dir}/link tmpfs start"), 1, "is a link; write where it leads to"),
                (&format!("hbdtest {dir}/link/. tmpfs start"), 1, "write the directory without links"),
                ("hbdtest data tmpfs start", 1, "is no directory by its full path"),
                ("hbdtest", 2, "usage"),
                (&call("restart"), 2, "usage"),
            ],
        );
        // Of another file system there: it is not ours, and stays.
        run(&format!("mount -t tmpfs stranger {dir}/data"));
        rig.expect(
            "Filesystem",
            &[(&start, 1, "stranger is mounted on"), (&status, 3, "stopped"), (&stop, 0, "")],
        );
        let mut guest = begin(&format!("cd {dir}/data && exec sleep 600"));
        rig.expect("Filesystem", &[(&stop, 0, "")]);
        assert!(guest.try_wait().unwrap().is_none(), "a user of another file system was ended");
        // The same one over ours: ours is still there, and the other one is nobody's to take.
        run(&format!("mount --move {dir}/data {dir}/link-to"));
        rig.expect("Filesystem", &[(&start, 0, "")]);
        run(&format!("mount -t tmpfs over {dir}/data"));
        rig.expect(
            "Filesystem",
            &[(&status, 1, "over is mounted over it"), (&stop, 1, "unmount that first")],
        );
        run(&format!("umount {dir}/data"));
        rig.expect("Filesystem", &[(&stop, 0, ""), (&status, 3, "stopped")]);
        assert!(guest.try_wait().unwrap().is_none());
        gone(guest);
        run(&format!("umount {dir}/link-to"));
    });
}

#[test]
fn users_of_a_file_system_are_ended_and_nobody_else() {
    each("users_of_a_file_system_are_ended_and_nobody_else", |rig| {
        let dir = rig.dir.display().to_string();
        run(&format!("mkdir {dir}/data {dir}/data2"));
        let call = |verb: &str| format!("hbdtest {dir}/data tmpfs size=4m {verb}");
        rig.expect("Filesystem", &[(&call("start"), 0, "")]);
        run(&format!("mount -t tmpfs other {dir}/data2"));
        // One stands in it, one has a file open, one runs from it and is deaf to SIGTERM; one is a daemon by its name.
        run(&format!(
            "cp $(command -v dash || command -v bash) {dir}/data/program; cp $(command -v sleep) {dir}/hbd"
        ));
        let mut users = [
            begin(&format!("cd {dir}/data && exec sleep 600")),
            begin(&format!("exec sleep 600 >{dir}/data/open")),
            begin(&format!(
                "exec {dir}/data/program -c 'trap \"\" TERM; : >{dir}/deaf; while :; do sleep 1; done'"
            )),
        ];
        let others = [
            begin(&format!("cd {dir}/data2 && exec sleep 600")),
            // The same path in another view of the files, with another file system there.
            begin(&format!(
                "exec unshare -m sh -c 'umount {dir}/data; mount -t tmpfs else {dir}/data; cd {dir}/data; : >{dir}/view; exec sleep 600'"
            )),
        ];
        until("the other view stands", || rig.dir.join("view").exists() && rig.dir.join("deaf").exists());
        users.iter().for_each(|user| uses(user, &format!("{dir}/data")));
        let (code, said) = rig.call("Filesystem", &call("stop"));
        assert_eq!(code, 0, "{}: {said}", rig.shell);
        assert!(said.contains("SIGTERM") && said.contains("SIGKILL"), "{}: {said}", rig.shell);
        for user in &mut users {
            user.wait().unwrap();
        }
        for mut other in others {
            assert!(other.try_wait().unwrap().is_none(), "{}: {said}", rig.shell);
            gone(other);
        }
        // The daemon is never ended, and a stop that cannot be done says by whom it is held.
        rig.expect("Filesystem", &[(&call("start"), 0, "")]);
        let mut daemon = begin(&format!("cd {dir}/data && exec {dir}/hbd 600"));
        let script = rig.dir.join("resource.d/Filesystem");
        let text = fs::read_to_string(&script).unwrap().replace("waited + 1)", "waited + 100)");
        fs::write(&script, text).unwrap();
        until("it stands there", || shell(&format!("ls -l /proc/{}/exe", daemon.id())).1.ends_with("/hbd"));
        rig.expect("Filesystem", &[(&call("stop"), 1, "is still mounted, used by")]);
        assert!(daemon.try_wait().unwrap().is_none());
        gone(daemon);
        rig.expect("Filesystem", &[(&call("stop"), 0, "")]);
        run(&format!("umount {dir}/data2"));
    });
}

#[test]
fn a_block_device_is_known_by_its_numbers() {
    each("a_block_device_is_known_by_its_numbers", |rig| {
        let dir = rig.dir.display().to_string();
        let made = shell(&format!(
            "dd if=/dev/zero of={dir}/image bs=1024 count=2048 2>/dev/null && mkfs.ext2 -q -F -L hbdtest {dir}/image && losetup -f --show {dir}/image"
        ));
        let device = made.1;
        if made.0 != 0 || !device.starts_with("/dev/loop") {
            return println!("SKIPPED a block device: {device}");
        }
        run(&format!(
            "mkdir {dir}/data {dir}/data2; ln -s {device} {dir}/disk; ln -s {device} /dev/hbdtest-{}",
            std::process::id()
        ));
        let call = |verb: &str| format!("{device} {dir}/data ext2 {verb}");
        let by_link = format!("/dev/hbdtest-{} {dir}/data ext2", std::process::id());
        rig.expect(
            "Filesystem",
            &[
                (&call("start"), 0, "clean"),
                (&call("status"), 0, "running"),
                (&format!("{by_link} status"), 0, "running"),
                (&format!("{by_link} start"), 0, ""),
                (&format!("{device} {dir}/data2 ext2 start"), 1, "unmount it there"),
            ],
        );
        run(&format!("mount -o remount,ro {dir}/data"));
        rig.expect(
            "Filesystem",
            &[
                (&call("status"), 1, "has become read-only"),
                (&format!("{device} {dir}/data ext2 ro,noatime status"), 0, "running"),
                (&format!("{by_link} stop"), 0, ""),
                (&call("status"), 3, "stopped"),
            ],
        );
        // Taken off by name only: who has a file open writes on, and the peer must not mount it.
        rig.expect("Filesystem", &[(&call("start"), 0, "clean")]);
        if shell(&format!("ls -d /proc/fs/*/{0} /sys/fs/*/{0}", device.trim_start_matches("/dev/")))
            .1
            .contains("fs/")
        {
            let writer = begin(&format!("cd {dir}/data && exec sleep 600"));
            uses(&writer, &format!("{dir}/data"));
            run(&format!("umount -l {dir}/data"));
            let lazy = [
                (call("status"), 1, "is in use"),
                (call("stop"), 1, "a lazy unmount"),
                (call("start"), 1, "lazy unmount"),
            ];
            for (words, code, part) in &lazy {
                rig.expect("Filesystem", &[(words, *code, part)]);
            }
            gone(writer);
        } else {
            println!("SKIPPED a lazy unmount: this kernel does not list what is mounted");
        }
        rig.expect("Filesystem", &[(&call("stop"), 0, ""), (&call("status"), 3, "stopped")]);
        run(&format!("rm /dev/hbdtest-{}; losetup -d {device}", std::process::id()));
    });
}

#[test]
fn no_file_of_a_dead_server_is_looked_at() {
    each("no_file_of_a_dead_server_is_looked_at", |rig| {
        if shell("strace -V").0 != 0 {
            return println!("SKIPPED: no strace");
        }
        let dir = rig.dir.display().to_string();
        run(&format!("mkdir {dir}/data"));
        // By its name it is a server's.
        let call = |verb: &str| format!("server:/mail {dir}/data tmpfs {verb}");
        rig.expect("Filesystem", &[(&call("start"), 0, "")]);
        let rig = &Rig {
            dir: rig.dir.clone(),
            shell: rig.shell,
            env: format!("strace -f -o {dir}/trace -e trace=%file,chdir,readlink,readlinkat,execve"),
        };
        // umount itself is the kernel's and its own tool's matter.
        rig.program("bin/umount", "#!/bin/sh\nexit 1\n");
        let mut user = begin(&format!("cd {dir}/data && exec sleep 600"));
        uses(&user, &format!("{dir}/data"));
        rig.expect("Filesystem", &[(&call("status"), 0, "running")]);
        let look = |trace: &str| {
            let at = format!("\"{dir}/data");
            let bad: Vec<&str> = trace
                .lines()
                .filter(|line| line.contains(&at) && !line.contains("execve(") && !line.contains("readlink"))
                .collect();
            assert!(bad.is_empty(), "{}: {bad:?}", rig.shell);
        };
        look(&fs::read_to_string(rig.dir.join("trace")).unwrap());
        let script = rig.dir.join("resource.d/Filesystem");
        let text = fs::read_to_string(&script).unwrap().replace("waited + 1)", "waited + 20)");
        fs::write(&script, text).unwrap();
        if rig.shell != "busybox ash" {
            // busybox takes its own umount before any file.
            rig.expect("Filesystem", &[(&call("stop"), 1, "is still mounted")]);
            look(&fs::read_to_string(rig.dir.join("trace")).unwrap());
            user.wait().unwrap();
        } else {
            gone(user);
        }
        run(&format!("/bin/umount {dir}/data"));
    });
}
