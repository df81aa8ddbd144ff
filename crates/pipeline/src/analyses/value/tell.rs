//! What is told of value.

use tillwise_mine::value::Concentration;
use tillwise_report::{Cell, Section};

use super::{BridgeRow, Keys};

/// Key customers on the page.
const KEYS_SHOWN: usize = 10;

/// How concentrated revenue is, on whom it depends, and what moved it.
pub fn tell(customers: &Concentration, keys: &Keys<'_>, bridge: &[BridgeRow]) -> Section {
    let mut section = Section::new("value");
    if customers.gini.is_none() {
        section.say("no_shares", Vec::new());
        return section;
    }
    section.say(
        "concentration",
        vec![
            ("top_20", Cell::share(customers.top[3])),
            ("top_1", Cell::share(customers.top[0])),
            ("gini", Cell::Number(customers.gini.unwrap_or(f64::NAN), 2)),
            ("class_a", Cell::count(customers.classes[0])),
        ],
    );
    section.say_on_page(
        "classes",
        vec![("class_b", Cell::count(customers.classes[1])), ("class_c", Cell::count(customers.classes[2]))],
    );
    section.grid(["top_1", "top_5", "top_10", "top_20", "top_50"], 0, [customers.top.map(Cell::share)]);
    section.grid(
        ["key_customer", "net_revenue", "share_with_all_above", "days_since_last"],
        0,
        (0..keys.ids.len().min(KEYS_SHOWN)).map(|i| {
            [
                Cell::text(keys.ids[i]),
                Cell::Count(keys.net_revenue[i]),
                Cell::share(keys.cumulative[i]),
                Cell::Count(f64::from(keys.days_since_last[i])),
            ]
        }),
    );
    if !bridge.is_empty() {
        section.say_on_page("bridge", Vec::new());
        section.grid(
            ["view", "part", "amount", "members"],
            0,
            bridge.iter().map(|(view, part, amount, members)| {
                let members = members.map_or(Cell::Blank, Cell::count);
                [Cell::word(*view), Cell::word(*part), Cell::Count(*amount), members]
            }),
        );
    }
    section
}
