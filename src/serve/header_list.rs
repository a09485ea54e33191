//! Heads of replies, written as a list and turned into a map at the end. Making a map hashes every name, and a reply
//! has some thirty: nearly all replies of a process have the same names in the same order, so that each thread keeps a
//! few maps that it has made, and fills a copy.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::cell::RefCell;

/// Headers that a reply usually has at most.
const USUAL: usize = 48;

/// Maps that a thread keeps.
const SHAPES: usize = 16;

/// Names of upstreams' headers that a thread keeps under their prefix; the longest of them.
const PREFIXED: usize = 64;
const LONGEST: usize = 64;

/// What stands before the name of a header that the upstream sent.
const PREFIX: &str = "llm_provider-";

/// Where headers are written.
pub trait Put {
    /// Adds one whose name is not there yet.
    fn add(&mut self, name: HeaderName, value: HeaderValue);
    /// Adds one, in place of those of the same name.
    fn put(&mut self, name: HeaderName, value: HeaderValue);
    /// Adds one beside those of the same name.
    fn append(&mut self, name: HeaderName, value: HeaderValue);
}

impl Put for HeaderMap {
    fn add(&mut self, name: HeaderName, value: HeaderValue) {
        self.insert(name, value);
    }
    fn put(&mut self, name: HeaderName, value: HeaderValue) {
        self.insert(name, value);
    }
    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        Self::append(self, name, value);
    }
}

thread_local! {
    /// The room of the list that was written last.
    static LEFT: RefCell<Vec<(HeaderName, HeaderValue)>> = const { RefCell::new(Vec::new()) };
}

/// Headers in the order in which they were written.
#[derive(Debug)]
pub struct HeaderList(Vec<(HeaderName, HeaderValue)>);

impl HeaderList {
    /// An empty one with room for a usual reply.
    pub fn usual() -> Self {
        let left = LEFT.take();
        Self(if left.capacity() == 0 {
            Vec::with_capacity(USUAL)
        } else {
            left
        })
    }

    /// The map of these headers.
    pub fn into_map(mut self) -> HeaderMap {
        thread_local! {
            static KEPT: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
        }
        let map = KEPT.with_borrow_mut(|kept| {
            if let Some(shape) = kept.iter().find(|shape| self.has_names_of(shape)) {
                let mut map = shape.clone();
                for (place, (_, value)) in map.values_mut().zip(self.0.drain(..)) {
                    *place = value;
                }
                return map;
            }
            let mut map = HeaderMap::with_capacity(self.0.len());
            for (name, value) in self.0.drain(..) {
                map.append(name, value);
            }
            // With a name that is there twice, a map's order is another than the list's.
            if map.keys_len() == map.len() {
                if kept.len() == SHAPES {
                    kept.remove(0);
                }
                let mut shape = map.clone();
                for place in shape.values_mut() {
                    *place = HeaderValue::from_static("");
                }
                kept.push(shape);
            }
            map
        });
        if self.0.capacity() == USUAL {
            LEFT.set(self.0);
        }
        map
    }

    fn has_names_of(&self, shape: &HeaderMap) -> bool {
        shape.len() == self.0.len() && shape.keys().zip(&self.0).all(|(a, (b, _))| a == b)
    }
}

impl Put for HeaderList {
    fn add(&mut self, name: HeaderName, value: HeaderValue) {
        debug_assert!(self.0.iter().all(|(n, _)| *n != name), "{name} twice");
        self.0.push((name, value));
    }
    fn put(&mut self, name: HeaderName, value: HeaderValue) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, place)) => *place = value,
            None => self.0.push((name, value)),
        }
    }
    fn append(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }
}

/// The name of an upstream's header as replies pass it on; `None` for one that no header may have.
pub fn prefixed(name: &HeaderName) -> Option<HeaderName> {
    thread_local! {
        static KEPT: RefCell<Kept> = const { RefCell::new(Kept::NOTHING) };
    }
    KEPT.with_borrow_mut(|kept| kept.find(name))
}

/// Names, and the same under their prefix.
struct Kept {
    names: Vec<(HeaderName, HeaderName)>,
    /// After the one that was found last: upstreams send theirs in the same order.
    next: usize,
}

impl Kept {
    const NOTHING: Self = Self {
        names: Vec::new(),
        next: 0,
    };

    fn find(&mut self, name: &HeaderName) -> Option<HeaderName> {
        let (before, after) = self.names.split_at(self.next);
        let mut found = after.iter().chain(before);
        if let Some(at) = found.position(|(plain, _)| plain == name) {
            let at = (self.next + at) % self.names.len();
            self.next = (at + 1) % self.names.len();
            return self.names.get(at).map(|(_, prefixed)| prefixed.clone());
        }
        let prefixed = format!("{PREFIX}{name}");
        let prefixed = HeaderName::try_from(prefixed).ok()?;
        if self.names.len() < PREFIXED && name.as_str().len() <= LONGEST {
            self.names.push((name.clone(), prefixed.clone()));
        }
        Some(prefixed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn map_of(pairs: &[(u8, u8)]) -> (HeaderMap, HeaderMap) {
        let mut head = HeaderList::usual();
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::try_from(format!("x-{name}")).unwrap();
            let value = HeaderValue::from(u16::from(*value));
            head.append(name.clone(), value.clone());
            map.append(name, value);
        }
        (head.into_map(), map)
    }

    proptest! {
        /// Whatever was written before, with the same names or others.
        #[test]
        fn the_map_is_that_of_appending_one_by_one(
            lists in prop::collection::vec(prop::collection::vec((0..6_u8, any::<u8>()), 0..6), 1..40),
        ) {
            for list in &lists {
                let (ours, plain) = map_of(list);
                prop_assert_eq!(&ours, &plain);
                prop_assert!(ours.iter().eq(plain.iter()));
            }
        }
    }

    #[test]
    fn what_a_thread_keeps_is_bounded_and_names_stay_right() {
        let mut kept = Kept::NOTHING;
        for round in 0..3 {
            for nth in 0..200 {
                let name = HeaderName::try_from(format!("x-{nth}")).unwrap();
                assert_eq!(
                    kept.find(&name).unwrap().as_str(),
                    format!("llm_provider-x-{nth}"),
                    "{round}"
                );
            }
        }
        assert_eq!(kept.names.len(), PREFIXED);
    }

    #[test]
    fn one_that_is_put_replaces_and_one_that_is_appended_does_not() {
        let mut head = HeaderList::usual();
        let name = HeaderName::from_static("x-a");
        for value in ["1", "2"] {
            head.put(name.clone(), HeaderValue::from_static(value));
        }
        head.append(name.clone(), HeaderValue::from_static("3"));
        let map = head.into_map();
        let all: Vec<_> = map.get_all(&name).iter().collect();
        assert_eq!(all, ["2", "3"]);
    }
}
