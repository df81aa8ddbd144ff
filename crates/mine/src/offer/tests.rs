use super::*;
use crate::ledger::{Ledger, LedgerLine, OwnedLedger};
use crate::stats::Steps;

/// Lines of `(customer, day, product)`, of one unit and ten pounds each, at a cost of six.
fn shop(lines: &[(i32, i32, i32)]) -> OwnedLedger {
    let line = |(customer, day, product): &(i32, i32, i32)| LedgerLine {
        customer: *customer,
        day: *day,
        order: *day,
        product: *product,
        units_e4: 10_000,
        money_e4: 100_000 * i64::from(product + 1),
        cost_e4: Some(60_000),
    };
    OwnedLedger::from_lines(&lines.iter().map(line).collect::<Vec<_>>())
}

fn settings() -> Settings {
    Settings { how: How { min_repeats: 2, ..How::default() }, ..Settings::default() }
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn fit(ledger: &Ledger<'_>, categories: &[&str], settings: &Settings) -> (Offers, Judgement) {
    Offers::fit(ledger, Names { products: &NAMES[..ledger.products], categories }, settings).unwrap()
}

fn best(model: &Offers, histories: &Histories, customer: usize, today: i32) -> Vec<Offer> {
    let mut work = Workspace::new(model);
    model.best(histories.on(customer, today), 5, &|_| true, &|o| o.score, &mut work)
}

/// Pairs of products are bought together: 0 with 1, 2 with 3; customers 8 and 9 have one of a pair each.
fn pairs() -> OwnedLedger {
    let mut lines = Vec::new();
    for customer in 0..8 {
        let pair = 2 * (customer % 2);
        for day in [customer, customer + 30] {
            lines.extend([(customer, day, pair), (customer, day, pair + 1)]);
        }
    }
    lines.extend([(8, 40, 0), (9, 40, 3)]);
    shop(&lines)
}

#[test]
fn what_goes_together_is_offered_together() {
    let owned = pairs();
    let ledger = owned.ledger(true);
    let (model, _) = fit(&ledger, &[], &settings());
    // 0 has five buyers, 1 four of them: the cosine is 4 / sqrt(20), shrunk by 4 / 14.
    assert_eq!((model.products[0].buyers, model.products[0].near.clone()), (5, vec![(1, 4)]));
    let histories = Offers::histories(&ledger);
    let offers = best(&model, &histories, 8, 40);
    assert_eq!((offers[0].product, offers[0].kind), (1, Kind::New));
    // Bought today, so with full weight; the rule 0 => 1 holds in 8 of 9 orders; 1 is in 8 of all 18.
    assert!((offers[0].score - (4.0 / 20f64.sqrt() * 4.0 / 14.0 + 8.0 / 9.0 + 8.0 / 18.0)).abs() < 1e-12);
    assert_eq!(offers[0].reason, Reason::AlsoBought { bought: 0, share: 0.8 });
    assert_eq!(best(&model, &histories, 9, 40)[0].product, 2);
    // What is bought already is not new; what is barred is not offered.
    let mut work = Workspace::new(&model);
    let barred = model.best(histories.on(8, 40), 5, &|p| p != 1, &|o| o.score, &mut work);
    assert!(barred.iter().all(|o| o.product != 1 && o.product != 0));
    // Where nothing is alike, what many buy.
    assert!(matches!(barred[0].reason, Reason::Popular { buyers: 4 | 5 }));
    // Without a history, what many buy as well.
    let strangers =
        model.best(Customer { history: &[], orders: 0, today: 40 }, 5, &|_| true, &|o| o.score, &mut work);
    assert_eq!(strangers.iter().map(|o| o.product).collect::<Vec<_>>(), [0, 3, 1, 2]);
}

#[test]
fn a_product_is_due_by_its_own_rhythm() {
    let owned = pairs();
    let ledger = owned.ledger(true);
    let (model, _) = fit(&ledger, &[], &settings());
    // Every gap is 30 days.
    assert_eq!(model.products[0].gap_days, Some([30.0, 30.0]));
    let histories = Offers::histories(&ledger);
    let again = |today| {
        let offers = best(&model, &histories, 0, today);
        offers.into_iter().filter(|o| o.kind == Kind::Again).map(|o| o.product).collect::<Vec<_>>()
    };
    // Bought on days 0 and 30; all buyers of 1 buy it again, and four of five of 0.
    assert!(again(59).is_empty());
    assert_eq!(again(60), [1, 0]);
    let due = best(&model, &histories, 0, 75).into_iter().find(|o| o.kind == Kind::Again).unwrap();
    assert_eq!(due.reason, Reason::Due { every: 30.0, since: 45 });
}

#[test]
fn the_next_tier_is_the_one_that_others_moved_to() {
    // Six products of one category at 10, 20, ... 60: tiers of two. Four customers begin at tier 0; two move to
    // product 2, one to product 3; nobody skips a tier.
    let owned = shop(&[
        (0, 0, 0),
        (0, 9, 2),
        (1, 0, 1),
        (1, 9, 2),
        (2, 0, 0),
        (2, 9, 3),
        (3, 0, 1),
        (4, 0, 4),
        (5, 0, 5),
    ]);
    let ledger = owned.ledger(true);
    let (model, _) = fit(&ledger, &["tea"; 6], &settings());
    assert_eq!(model.products.iter().map(|p| p.tier.unwrap()).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2]);
    assert_eq!((model.products[2].moved_up, model.products[3].moved_up), (0.5, 0.25));
    assert_eq!(model.products[4].moved_up, 0.0);
    let mut work = Workspace::new(&model);
    let histories = Offers::histories(&ledger);
    let offers = model.of_kind(Kind::UpSell, histories.on(3, 20), 5, &|_| true, &mut work);
    assert_eq!(offers.iter().map(|o| (o.product, o.score)).collect::<Vec<_>>(), [(2, 0.5), (3, 0.25)]);
    assert!(model.of_kind(Kind::UpSell, histories.on(4, 20), 5, &|_| true, &mut work).is_empty());
}

#[test]
fn the_order_left_out_is_not_seen() {
    // Every customer's last order holds products 6 and 7, which nobody bought before.
    let mut lines = Vec::new();
    for customer in 0..20 {
        lines.extend([(customer, 0, customer % 3), (customer, 10, 6), (customer, 10, 7)]);
    }
    let owned = shop(&lines);
    let (model, judged) = fit(&owned.ledger(true), &[], &settings());
    for score in &judged.scores {
        assert_eq!((score.customers, score.hits), (20, [0, 0]), "{}", score.model);
        assert_eq!(score.ndcg, [Some(0.0); 2]);
    }
    // The model itself has seen them.
    assert_eq!(model.products[6].buyers, 20);
}

#[test]
fn baselines_by_hand() {
    // Customers 0 to 3 buy 0, then 0 again; customer 4 buys 1 and 2, then 0 and 2.
    let mut lines: Vec<(i32, i32, i32)> = (0..4).flat_map(|c| [(c, 0, 0), (c, 9, 0)]).collect();
    lines.extend([(4, 0, 1), (4, 0, 2), (4, 9, 0), (4, 9, 2)]);
    let owned = shop(&lines);
    let (_, judged) = fit(&owned.ledger(true), &[], &settings());
    let of = |task, model| judged.scores.iter().find(|s| s.task == task && s.model == model).unwrap();
    // Only customer 4 has something new: product 0, the most popular.
    let popular = of(Task::New, "most_popular");
    assert_eq!((popular.customers, popular.hits, popular.ndcg[0]), (1, [1, 1], Some(1.0)));
    // Favourites: 0 for the four; 1 and 2 for customer 4, whose hit is at place 2.
    let own = of(Task::Any, "bought_before");
    let gain = (1.0 / 3f64.log2()) / (1.0 + 1.0 / 3f64.log2());
    assert_eq!((own.customers, own.hits), (5, [5, 5]));
    assert!((own.ndcg[0].unwrap() - (4.0 + gain) / 5.0).abs() < 1e-12);
}

#[test]
fn calibration_is_the_share_of_hits() {
    // Scores 1, 2 and 3 hit 1 of 4, 1 of 2 and 0 of 2: the last two are pooled.
    let points = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0];
    let hits = [true, false, false, false, true, false, false, false];
    let steps = Steps::fit(&points.into_iter().zip(hits).collect::<Vec<_>>());
    assert_eq!((steps.at(1.0), steps.at(2.5)), (0.25, 0.25));
    assert_eq!(Steps::default().at(1.0), 0.0);
    assert!(Steps { at: vec![1.0, 0.0], value: vec![0.0, 1.0] }.check().is_err());
}

#[test]
fn without_products_there_are_no_offers() {
    let owned = shop(&[(0, 0, -1), (1, 5, -1)]);
    let names = Names { products: &[], categories: &[] };
    assert!(Offers::fit(&owned.ledger(true), names, &Settings::default()).is_err());
    // One customer with one order: nothing to judge, and still offers.
    let owned = shop(&[(0, 0, 0), (1, 5, 1)]);
    let (model, judged) = fit(&owned.ledger(true), &[], &Settings::default());
    assert_eq!((judged.customers, judged.scores[0].hit_rate), (0, [None; 2]));
    let histories = Offers::histories(&owned.ledger(true));
    assert_eq!(best(&model, &histories, 0, 9)[0].product, 1);
}
