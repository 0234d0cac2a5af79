//! Filling a list of fixed room.

use heapless::Vec;

/// The items, as many as there is room for. `collect` panics on one too many, which no caller here has: a list is filled
/// from another of the same room; but a compiler does not see that, and the core must not panic.
pub(crate) fn filled<T, const N: usize>(items: impl Iterator<Item = T>) -> Vec<T, N> {
    let mut list = Vec::new();
    for item in items {
        if list.push(item).is_err() {
            break;
        }
    }
    list
}

/// Another content of the same room. `clone_from` would make it elsewhere and move it.
pub(crate) fn refill<T: Copy, const N: usize>(list: &mut Vec<T, N>, from: &Vec<T, N>) {
    list.clear();
    from.iter().for_each(|item| _ = list.push(*item));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out() {
        let list: Vec<u8, 3> = filled(0..2);
        assert_eq!(list, [0, 1]);
        let list: Vec<u8, 3> = filled(0..9);
        assert_eq!(list, [0, 1, 2]);
    }
}
