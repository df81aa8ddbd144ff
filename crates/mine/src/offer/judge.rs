//! Leave the last order out: how often would an offer have hit?
//!
//! Of every customer with at least two orders, the last is left out; the model, the popularity of products and the
//! customer's own favourites are taken from what was before: before each customer's own last order, that is; other customers may have
//! ordered later. Two tasks: *new* asks for products of the last order that the
//! customer had not bought before; *any* for all its products. A list of `k` offers *hits* if one of them is in the order; NDCG
//! (Järvelin & Kekäläinen 2002) gives a hit at place `i` the gain `1 / log2(i + 1)`, over that of the best list.

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::model::{Sales, Settings};
use super::rank::{Workspace, mix};
use super::{Histories, Kind, Offer, Offers};
use crate::ledger::Ledger;
use crate::stats::Steps;

/// Lengths of lists that are judged.
pub const LENGTHS: [usize; 2] = [5, 10];

/// What is to be found in the order left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Products not bought before.
    New,
    /// All products.
    Any,
}

impl Task {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Task::New => "new",
            Task::Any => "any",
        }
    }
}

/// How one model did at one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The task.
    pub task: Task,
    /// `offers` for the model; `item_to_item` for its score of new products without rules; `most_popular` and `bought_before`.
    pub model: Cow<'static, str>,
    /// Customers with something to be found.
    pub customers: usize,
    /// Lists that hit, at each of [`LENGTHS`].
    pub hits: [usize; 2],
    /// Share of lists that hit.
    pub hit_rate: [Option<f64>; 2],
    /// Mean NDCG.
    pub ndcg: [Option<f64>; 2],
}

/// How all did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Customers with at least two orders that were judged.
    pub customers: usize,
    /// The share of its gaps after which a product is due: as set, or as customers chose who are not among the judged.
    #[serde(deserialize_with = "tillwise_core::number_or_nan")]
    pub due_after: f64,
    /// Each model at each task.
    pub scores: Vec<Score>,
}

impl Judgement {
    /// Lists of five of any kind that hit.
    pub(super) fn hits_of_any(&self) -> usize {
        let ours = self.scores.iter().find(|s| s.task == Task::Any && s.model == "offers");
        ours.map_or(0, |s| s.hits[0])
    }
}

const MODELS: [(Task, &str); 6] = [
    (Task::New, "offers"),
    (Task::New, "item_to_item"),
    (Task::New, "most_popular"),
    (Task::Any, "offers"),
    (Task::Any, "most_popular"),
    (Task::Any, "bought_before"),
];

/// What one customer adds: for each of [`MODELS`] hits and gains, and scored candidates by kind.
type Part = ([Option<([bool; 2], [f64; 2])>; MODELS.len()], [Vec<(f64, bool)>; 3]);

/// Judges a model made from the histories before the last orders, on customers with at least two. Also gives what scores are worth.
pub(super) fn judge(
    model: &Offers,
    ledger: &Ledger<'_>,
    sales: &Sales,
    before: &Histories,
    settings: &Settings,
    judged: &[usize],
) -> ([Steps; 3], Judgement) {
    let plain = Offers { rules: Vec::new(), half_life_days: f64::INFINITY, ..model.clone() };
    let lists = |customer: usize, any: &[Steps; 3], work: &mut (Workspace, Workspace)| -> Part {
        let orders = sales.orders(customer);
        let (today, rows) = &orders[orders.len() - 1];
        let mut target: Vec<u32> = rows
            .clone()
            .filter(|r| ledger.is_bought(*r))
            .filter_map(|r| ledger.product(r).map(|p| p as u32))
            .collect();
        target.dedup();
        let history = before.of(customer);
        let had = |p: u32| history.binary_search_by_key(&p, |b| b.product).is_ok();
        let fresh: Vec<u32> = target.iter().copied().filter(|p| !had(*p)).collect();
        let most = LENGTHS[1];
        let known = before.on(customer, *today);
        let of_kind = |kind: Kind, model: &Offers, work: &mut Workspace| {
            model.of_kind(kind, known, 4 * most.max(settings.depth), &|_| true, work)
        };
        let by_kind = Kind::ALL.map(|kind| {
            if model.kinds.contains(&kind) { of_kind(kind, model, &mut work.0) } else { Vec::new() }
        });
        let alike = of_kind(Kind::New, &plain, &mut work.1);
        let popular = |may: &dyn Fn(u32) -> bool| -> Vec<u32> {
            work.0.popular().iter().copied().filter(|p| may(*p)).take(most).collect()
        };
        let mut own = history.to_vec();
        own.sort_by_key(|b| (std::cmp::Reverse(b.orders), std::cmp::Reverse(b.last), b.product));
        let calibrated = model.kinds.iter().flat_map(|kind| {
            let steps = &any[*kind as usize];
            by_kind[*kind as usize].iter().map(|o| Offer { probability: steps.at(o.score), ..o.clone() })
        });
        let mixed = mix(calibrated.collect(), most, &|o| o.probability);
        let products = |offers: &[Offer]| offers.iter().map(|o| o.product).collect::<Vec<u32>>();
        let lists = [
            products(&by_kind[Kind::New as usize]),
            products(&alike),
            popular(&|p| !had(p)),
            products(&mixed),
            popular(&|_| true),
            own.iter().map(|b| b.product).collect(),
        ];
        let mut marks = [None; MODELS.len()];
        for ((mark, (task, _)), list) in marks.iter_mut().zip(MODELS).zip(&lists) {
            let wanted = if task == Task::New { &fresh } else { &target };
            *mark = (!wanted.is_empty()).then(|| measure(list, wanted));
        }
        let scored = by_kind.map(|offers| {
            offers
                .iter()
                .take(most.max(settings.depth))
                .map(|o| (o.score, target.binary_search(&o.product).is_ok()))
                .collect()
        });
        (marks, scored)
    };
    let run = |any: &[Steps; 3], of: &[usize]| -> Vec<Part> {
        of.par_iter()
            .with_min_len(32)
            .map_init(|| (Workspace::new(model), Workspace::new(&plain)), |work, c| lists(*c, any, work))
            .collect()
    };
    // Calibrated on every other customer, ranked by that on the rest, and the other way round: no customer's own order helps.
    let halves: [Vec<usize>; 2] =
        [0, 1].map(|h| judged.iter().copied().skip(h).step_by(2).collect::<Vec<usize>>());
    let fitted = |parts: &[Part]| {
        Kind::ALL.map(|kind| {
            let points: Vec<(f64, bool)> =
                parts.iter().flat_map(|p| p.1[kind as usize].iter().copied()).collect();
            Steps::fit(&points)
        })
    };
    let first = [run(&Default::default(), &halves[0]), run(&Default::default(), &halves[1])];
    let (steps_0, steps_1) = (fitted(&first[0]), fitted(&first[1]));
    let second = [run(&steps_1, &halves[0]), run(&steps_0, &halves[1])];
    let everyone: Vec<Part> = first.into_iter().flatten().collect();
    let steps = fitted(&everyone);
    drop(everyone);

    let scores = MODELS
        .iter()
        .enumerate()
        .map(|(m, (task, name))| {
            let marks: Vec<_> = second.iter().flatten().filter_map(|p| p.0[m]).collect();
            let n = marks.len();
            let hits = [0, 1].map(|k| marks.iter().filter(|(hit, _)| hit[k]).count());
            let mean = |total: f64| (n > 0).then(|| total / n as f64);
            Score {
                task: *task,
                model: Cow::Borrowed(name),
                customers: n,
                hits,
                hit_rate: hits.map(|h| mean(h as f64)),
                ndcg: [0, 1].map(|k| mean(marks.iter().map(|(_, gain)| gain[k]).sum())),
            }
        })
        .collect();
    (steps, Judgement { customers: judged.len(), due_after: f64::NAN, scores })
}

/// Hit and NDCG of a list at each of [`LENGTHS`]; `wanted` is ascending.
fn measure(list: &[u32], wanted: &[u32]) -> ([bool; 2], [f64; 2]) {
    let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let found: Vec<bool> = list.iter().map(|p| wanted.binary_search(p).is_ok()).collect();
    let at = |k: usize| {
        let dcg: f64 = found.iter().take(k).enumerate().filter(|(_, f)| **f).map(|(i, _)| gain(i)).sum();
        let best: f64 = (0..k.min(wanted.len())).map(gain).sum();
        (dcg > 0.0, dcg / best)
    };
    let of = LENGTHS.map(at);
    (of.map(|o| o.0), of.map(|o| o.1))
}
