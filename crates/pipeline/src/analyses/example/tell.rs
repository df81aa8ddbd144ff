//! What is told of the example. Its sentence stands here, for the messages of users hold none for tests; an analysis of
//! users' has a key of its own.

use tillwise_report::{Cell, Section};

/// How many ordered since.
pub fn tell(ordered: usize, customers: usize) -> Section {
    let mut section = Section::new("notes");
    let said = format!("{ordered} of {customers} customers ordered since");
    section.say("note", vec![("of", Cell::word("example")), ("note", Cell::text(said))]);
    section
}
