//! Datagram to stream frame.

/// Code `datagram` for a byte stream: a zero byte, COBS, a zero byte. Gives the length of the frame in `out`.
///
/// `None` if `out` is too short ([`super::max_encoded`] suffices) or there is nothing to send.
#[must_use]
pub fn encode(datagram: &[u8], out: &mut [u8]) -> Option<usize> {
    if datagram.is_empty() {
        return None;
    }
    let room = out.len();
    let mut rest = put(out, &[0])?;
    let mut runs = datagram.split(|byte| *byte == 0).peekable();
    while let Some(mut run) = runs.next() {
        // A code byte of 255 stands for 254 bytes and no zero after them.
        while let Some((block, tail)) = run.split_at_checked(254) {
            rest = put_block(rest, block)?;
            run = tail;
            if run.is_empty() && runs.peek().is_none() {
                return finish(room, rest);
            }
        }
        rest = put_block(rest, run)?;
    }
    finish(room, rest)
}

fn finish(room: usize, rest: &mut [u8]) -> Option<usize> {
    let rest = put(rest, &[0])?;
    room.checked_sub(rest.len())
}

fn put_block<'a>(out: &'a mut [u8], block: &[u8]) -> Option<&'a mut [u8]> {
    let code = u8::try_from(block.len()).ok()?.checked_add(1)?;
    put(put(out, &[code])?, block)
}

fn put<'a>(out: &'a mut [u8], bytes: &[u8]) -> Option<&'a mut [u8]> {
    let (room, rest) = out.split_at_mut_checked(bytes.len())?;
    room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    Some(rest)
}
