//! 3 ADMIT. Pure state machines; `now` is an argument.
