//! Entropy from `/dev/urandom`: a file, for nix would call `getrandom(2)`, which 2.4 lacks.

use super::{Errno, Fd, Result};

/// Fill `buf` with unpredictable bytes. Never waits.
///
/// # Errors
/// `/dev/urandom` is missing, or gave nothing.
pub fn fill(buf: &mut [u8]) -> Result<()> {
    let source = Fd::open(c"/dev/urandom", libc::O_RDONLY, 0)?;
    let mut rest = buf;
    while !rest.is_empty() {
        match source.read(rest)? {
            Some(0) | None => return Err(Errno::IO),
            Some(n) => rest = rest.get_mut(n..).unwrap_or(&mut []),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_draws_differ() {
        let (mut a, mut b) = ([0; 16], [0; 16]);
        super::fill(&mut a).unwrap();
        super::fill(&mut b).unwrap();
        assert_ne!(a, b);
    }
}
