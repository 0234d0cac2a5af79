//! An `.rpm` that rpm 4.2 of Red Hat 9 takes: how it is built, and a look at its header.

/// What makes today's `rpmbuild` write the form of 2003, and the same bytes each time.
pub const MACROS: &[(&str, &str)] = &[
    ("_buildhost", "hbd"),
    ("use_source_date_epoch_as_buildtime", "1"),
    ("clamp_mtime_to_source_date_epoch", "1"),
    // MD5.
    ("_binary_filedigest_algorithm", "1"),
    ("_source_filedigest_algorithm", "1"),
    ("_binary_payload", "w9.gzdio"),
    ("__os_install_post", "%{nil}"),
    ("debug_package", "%{nil}"),
    ("_build_id_links", "none"),
    ("optflags", "-O2"),
];

/// The spec file; the binary is the macro `binary`.
pub fn spec(version: &str, about: &str, install: &str, uninstall: &str) -> String {
    format!(
        "Name: hbd\nVersion: {version}\nRelease: 1\nSummary: {about}\nLicense: MIT or Apache-2.0\n\
         Group: System Environment/Daemons\nAutoReqProv: no\nConflicts: heartbeat\n\n\
         %description\nReads the ha.cf, haresources and authkeys of Linux-HA Heartbeat.\n\n\
         %install\nmkdir -p %{{buildroot}}/usr/sbin && cp %{{binary}} %{{buildroot}}/usr/sbin/hbd\n\n\
         %post\n{install}\n\n%preun\nif [ \"$1\" = 0 ]; then\n\t{uninstall}\nfi\n\n\
         %files\n%attr(755,root,root) /usr/sbin/hbd\n"
    )
}

/// Types of values that rpm 4.2 knows: all but NULL and 64 bits.
const TYPES: [u32; 8] = [1, 2, 3, 4, 6, 7, 8, 9];
/// Tags that rpm 4.2 knows, as ranges: its own, of the signature, and of the header.
const TAGS: [(u32, u32); 4] = [(61, 64), (100, 100), (256, 269), (1000, 1153)];
/// Tags of later versions that the one of 2003 passes over: digests beside those it knows, the encoding.
const PASSED_OVER: [u32; 5] = [273, 5062, 5092, 5093, 5097];
/// The two oldest features that a package may ask of rpm; all that is required beside a shell.
const REQUIRED: [&str; 3] = ["/bin/sh", "rpmlib(CompressedFileNames)", "rpmlib(PayloadFilesHavePrefix)"];
const REQUIRE_NAME: u32 = 1049;
const FILE_DIGEST_ALGORITHM: u32 = 5011;
const COMPRESSOR: u32 = 1125;

/// Is there nothing in the two headers that rpm 4.2 does not know?
///
/// # Errors
/// What there is.
pub fn check(package: &[u8]) -> Result<(), String> {
    // Behind the lead of 96 bytes stands the signature, padded to 8, then the header.
    let (signature, end) = entries(package, 96).ok_or("no signature")?;
    let (header, _) = entries(package, end.next_multiple_of(8)).ok_or("no header")?;
    for entry in signature.iter().chain(&header) {
        let known = TAGS.iter().any(|(from, to)| (*from..=*to).contains(&entry.tag))
            || PASSED_OVER.contains(&entry.tag);
        if !known || !TYPES.contains(&entry.kind) || entry.tag == FILE_DIGEST_ALGORITHM {
            return Err(format!("tag {} of type {} is none of rpm 4.2", entry.tag, entry.kind));
        }
    }
    let texts = |tag: u32| header.iter().find(|entry| entry.tag == tag).map(Entry::texts).unwrap_or_default();
    let more: Vec<String> =
        texts(REQUIRE_NAME).into_iter().filter(|name| !REQUIRED.contains(&name.as_str())).collect();
    if !more.is_empty() || texts(COMPRESSOR) != ["gzip"] {
        return Err(format!("requires {more:?}, packed by {:?}", texts(COMPRESSOR)));
    }
    Ok(())
}

struct Entry<'a> {
    tag: u32,
    kind: u32,
    count: usize,
    /// From its value to the end of all values.
    value: &'a [u8],
}

impl Entry<'_> {
    fn texts(&self) -> Vec<String> {
        let words = self.value.split(|&b| b == 0).take(self.count);
        words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }
}

/// The entries of the header at `at`, and where it ends.
fn entries(package: &[u8], at: usize) -> Option<(Vec<Entry<'_>>, usize)> {
    let number = |at: usize| Some(u32::from_be_bytes(package.get(at..at + 4)?.try_into().ok()?));
    if number(at)? != 0x8ead_e801 {
        return None;
    }
    let (count, size) = (number(at + 8)? as usize, number(at + 12)? as usize);
    let values = at + 16 + 16 * count;
    let mut all = Vec::new();
    for n in 0..count {
        let entry = at + 16 + 16 * n;
        let value = package.get(values + number(entry + 8)? as usize..values + size)?;
        all.push(Entry {
            tag: number(entry)?,
            kind: number(entry + 4)?,
            count: number(entry + 12)? as usize,
            value,
        });
    }
    Some((all, values + size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of these entries, each with a text as its value.
    fn header(list: &[(u32, u32, &str)]) -> Vec<u8> {
        let (mut index, mut values) = (Vec::new(), Vec::new());
        for (tag, kind, text) in list {
            let at = u32::try_from(values.len()).unwrap();
            for word in [*tag, *kind, at, 1] {
                index.extend(word.to_be_bytes());
            }
            values.extend(text.bytes().chain([0]));
        }
        let count = u32::try_from(list.len()).unwrap().to_be_bytes();
        let size = u32::try_from(values.len()).unwrap().to_be_bytes();
        [&0x8ead_e801_u32.to_be_bytes()[..], &[0; 4], &count, &size, &index, &values].concat()
    }

    fn package(list: &[(u32, u32, &str)]) -> Vec<u8> {
        let mut all = vec![0; 96];
        all.extend(header(&[(1000, 4, "")]));
        all.resize(all.len().next_multiple_of(8), 0);
        all.extend(header(list));
        all
    }

    #[test]
    fn what_rpm_of_2003_does_not_know_is_refused() {
        let good = [(1000, 6, "hbd"), (1125, 6, "gzip"), (1049, 8, "/bin/sh"), (5092, 8, "digest")];
        assert_eq!(check(&package(&good)), Ok(()));
        for (bad, part) in [
            ((5011, 4, ""), "tag 5011 of type 4"),
            ((1009, 5, ""), "tag 1009 of type 5"),
            ((5000, 6, "x"), "tag 5000 of type 6"),
        ] {
            let mut list = good.to_vec();
            list.push(bad);
            assert!(check(&package(&list)).unwrap_err().contains(part), "{part}");
        }
        let zstd = [(1125, 6, "zstd"), (1049, 8, "rpmlib(FileDigests)")];
        assert!(check(&package(&zstd)).unwrap_err().contains("rpmlib(FileDigests)"));
        assert!(check(b"").is_err());
    }

    #[test]
    fn the_spec_asks_for_nothing() {
        let text = spec("1.2.3", "about", "put", "take");
        assert!(text.contains("\nVersion: 1.2.3\n") && text.contains("AutoReqProv: no\n"), "{text}");
        assert!(
            text.contains("%post\nput\n") && text.contains("if [ \"$1\" = 0 ]; then\n\ttake\nfi\n"),
            "{text}"
        );
    }
}
