//! What is told of offers.

use tillwise_mine::offer::judge::LENGTHS;
use tillwise_mine::offer::{Judgement, Kind, Task};
use tillwise_report::{Cell, Section};

/// How often offers would have hit the last order, beside simple rules.
pub fn tell(per_customer: usize, kinds: &[Kind], judged: &Judgement) -> Section {
    let mut section = Section::new("offer");
    let rate = |task: Task, model: &str| {
        let found = judged.scores.iter().find(|s| s.task == task && s.model == model);
        Cell::share(found.and_then(|s| s.hit_rate[0]))
    };
    section.say(
        "offers",
        vec![
            ("per_customer", Cell::count(per_customer)),
            ("length", Cell::count(LENGTHS[0])),
            ("offers", rate(Task::Any, "offers")),
            ("bought_before", rate(Task::Any, "bought_before")),
            ("most_popular", rate(Task::Any, "most_popular")),
        ],
    );
    if kinds.contains(&Kind::New) {
        section.say(
            "new_offers",
            vec![
                ("length", Cell::count(LENGTHS[0])),
                ("offers", rate(Task::New, "offers")),
                ("most_popular", rate(Task::New, "most_popular")),
            ],
        );
    }
    section.grid(
        ["model", "task", "list_length", "hit_rate", "ndcg"],
        0,
        judged.scores.iter().flat_map(|s| {
            (0..LENGTHS.len()).map(move |k| {
                [
                    Cell::word(s.model.as_ref()),
                    Cell::word(s.task.name()),
                    Cell::count(LENGTHS[k]),
                    Cell::share(s.hit_rate[k]),
                    Cell::Number(s.ndcg[k].unwrap_or(f64::NAN), 3),
                ]
            })
        }),
    );
    section
}
