//! What is told of baskets.

use tillwise_mine::basket::Rule;
use tillwise_report::{Cell, Section};

use super::{BasketReport, in_words};

/// Rules in the terminal, and on the page.
const BRIEF: usize = 3;
const SHOWN: usize = 15;

/// How much was found, and the best rules.
pub fn tell(report: &BasketReport, rules: &[Rule], said: &[String]) -> Section {
    let mut section = Section::new("basket");
    section.say(
        "baskets",
        vec![
            ("itemsets", Cell::count(report.itemsets.itemsets)),
            ("baskets", Cell::count(report.itemsets.baskets)),
            ("rules", Cell::count(report.rules.rules)),
            ("sequences", Cell::count(report.sequences.as_ref().map_or(0, |s| s.sequences))),
        ],
    );
    section.grid(
        ["rule", "baskets_both", "confidence", "lift"],
        BRIEF,
        rules.iter().take(SHOWN).map(|rule| {
            [
                Cell::text(in_words(rule, said)),
                Cell::Count(rule.both as f64),
                Cell::Share(rule.confidence()),
                Cell::Number(rule.lift(), 1),
            ]
        }),
    );
    section
}
