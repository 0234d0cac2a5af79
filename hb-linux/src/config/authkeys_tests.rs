//! Texts of `authkeys`: what they give, what is said of them.

use super::*;

fn faults(text: &str) -> Vec<String> {
    let mut faults = KeyFaults::new();
    let ring = parse(text.as_bytes(), &mut faults);
    assert!(ring.is_none() || !faults.is_empty(), "a ring and no fault");
    faults.iter().map(|f| format!("{}: {f}", f.line)).collect()
}

fn ring(text: &str) -> Keyring {
    let mut faults = KeyFaults::new();
    let ring = parse(text.as_bytes(), &mut faults);
    assert!(faults.is_empty(), "{faults:?}");
    ring.expect("a ring").0
}

#[test]
fn several_keys_verify_and_one_signs() {
    let ring = ring("# a comment\n\nauth 2\n1 crc\n2 sha1 HI!#x\n \t3 md5 Hello!\n15 sha256 s\n");
    assert_eq!(ring.signer(), 2);
    let method = |n| ring.get(n).map(|k| k.method);
    assert_eq!(method(1), Some(Method::Crc));
    assert_eq!(ring.get(2).map(|k| k.secret), Some(&b"HI!#x"[..]));
    assert_eq!(method(3), Some(Method::Md5));
    assert_eq!(method(15), Some(Method::Sha256));
    assert_eq!(method(0), None);
}

#[test]
fn auth_may_stand_behind_the_keys() {
    assert_eq!(ring("0 crc\nauth 0").signer(), 0);
}

#[test]
fn every_fault_names_its_line_and_no_secret() {
    for (text, expected) in [
        ("1 crc", "1: there is no `auth` line to say which key signs; write `auth 1` as the first line"),
        (
            "#auth 1\n1 crc\n2 md5 s3cret",
            "1: there is no `auth` line to say which key signs; write `auth N` as the first line",
        ),
        ("", "1: there is no `auth` line to say which key signs; write `auth N` as the first line"),
        ("auth\n1 crc", "1: `auth` takes the number of one key, 0 to 15; write for example `auth 1`"),
        ("auth 16\n1 crc", "1: `auth` takes the number of one key, 0 to 15; write for example `auth 1`"),
        ("auth 1 2\n1 crc", "1: `auth` takes the number of one key, 0 to 15; write for example `auth 1`"),
        ("auth 1\n1 crc\nauth 1", "3: `auth` is already in line 1; keep one of the two"),
        ("auth 2\n1 crc", "1: `auth 2` names a key that is not in the file; write a line `2 sha1 SECRET`"),
        (
            "auth 1\n1 crc\ns3cret",
            "3: the line begins neither with `auth` nor with a key number from 0 to 15; write one",
        ),
        (
            "auth 1\n1 crc\n16 sha1 s3cret",
            "3: the line begins neither with `auth` nor with a key number from 0 to 15; write one",
        ),
        ("auth 1\n1 crc\n1 sha1 s3cret", "3: key 1 is already in line 2; write another number"),
        (
            "auth 1\n1 s3cret",
            "2: key 1 has no known method; write crc, md5, sha1 or sha256 behind the number",
        ),
        ("auth 1\n1", "2: key 1 has no known method; write crc, md5, sha1 or sha256 behind the number"),
        ("auth 1\n1 CRC", "2: key 1: methods are written in small letters; write `crc`"),
        ("auth 1\n1 crc s3cret", "2: key 1: crc takes no secret; write `1 crc`, or `1 sha1 SECRET`"),
        ("auth 1\n1 md5", "2: key 1: md5 needs a secret; write `1 md5 SECRET`"),
        ("auth 1\n1 sha1", "2: key 1: sha1 needs a secret; write `1 sha1 SECRET`"),
        ("auth 1\n1 sha256", "2: key 1: sha256 needs a secret; write `1 sha256 SECRET`"),
        (
            "auth 1\n1 md5 s3cret mine",
            "2: key 1: more than one word follows the method, and Heartbeat takes the first one alone for the secret; \
             write it alone, or another word on both nodes",
        ),
    ] {
        let texts = faults(text);
        assert_eq!(texts, [expected], "{text}");
        assert!(!texts.concat().contains("s3cret"));
    }
    let long = format!("auth 1\n1 sha1 {}", "s3cret".repeat(11));
    assert_eq!(faults(&long), ["2: key 1: the secret is longer than 64 bytes; write a shorter one"]);
    let not_built = KeyFault { line: 1, kind: KeyFaultKind::NotBuilt(4, "md5") };
    assert_eq!(not_built.to_string(), "key 4: this hbd was built without md5; write another method");
}

#[test]
fn comments_and_dos_line_ends_are_taken_with_a_warning() {
    let comment = |line: u32, what: &str| {
        format!(
            "{line}: a comment stands behind {what}, and is left out; write it into a line of its own that begins with `#`"
        )
    };
    for (text, expected) in [
        ("auth 1 # which key\n1 sha1 s3cret", comment(1, "`auth 1`")),
        ("auth 1# which\n1 sha1 s3cret", comment(1, "`auth 1`")),
        ("auth 1 \t// key number\n1 sha1 s3cret", comment(1, "`auth 1`")),
        ("auth 1\n1 sha1 s3cret   # c", comment(2, "key 1")),
        ("auth 1\n1 crc #c", comment(2, "key 1")),
        (
            "auth 1\r\n1 sha1 s3cret\r\n",
            String::from(
                "1: the file has DOS line ends, which are left out; write it with Unix ones (`tr -d '\\r'`)",
            ),
        ),
        (
            "auth 1\n1 sha1 #s3cret",
            String::from(
                "2: key 1: the secret begins with `#` and is taken as a secret, not as a comment; write another one if a \
                 comment was meant",
            ),
        ),
    ] {
        let keys = from_text(text.as_bytes()).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
        let said: Vec<_> = keys.warnings.iter().map(|f| format!("{}: {f}", f.line)).collect();
        assert_eq!(said, [expected], "{text}");
        assert!(!said.concat().contains("s3cret"));
        assert_eq!(keys.ring.signer(), 1, "{text}");
    }
    let with = from_text(b"auth 1\r\n1 sha1 s3cret # c\r\n").expect("keys");
    let without = from_text(b"auth 1\n1 sha1 s3cret\n").expect("keys");
    assert_eq!(with.ring.digest(), without.ring.digest(), "a comment is no part of the secret");
    assert_eq!(faults("auth 1\n1 sha1 # s3cret"), ["2: key 1: sha1 needs a secret; write `1 sha1 SECRET`"]);
    // What makes the file unusable is told beside what does not.
    assert_eq!(faults("auth 1 # c\n1 sha1 a b").len(), 2);
}

#[test]
fn more_faults_than_fit_are_no_harm() {
    assert_eq!(faults(&"nonsense\n".repeat(40)).len(), 16);
}
