use proptest::prelude::*;

use super::hierarchy::{Fault, MOST_LEVELS};
use super::sequences::{Sequence, SequenceSettings, sequences};
use super::*;

fn mine(lists: &[Vec<u32>], items: usize, min_count: u64, limits: Limits) -> (Itemsets, Report) {
    let baskets = Baskets::from_lists(lists, items).unwrap();
    Miner { min_count, limits, apart: &[] }.mine(&baskets)
}

/// Every set of up to 10 items as bits, with the number of baskets that hold it: from the definition.
fn brute_force(lists: &[Vec<u32>], items: usize, min_count: u64) -> Vec<(Vec<u32>, u64)> {
    let words: Vec<u32> = lists.iter().map(|l| l.iter().fold(0, |w, i| w | 1 << i)).collect();
    let mut sets: Vec<(Vec<u32>, u64)> = (1u32..1 << items)
        .map(|set| {
            let count = words.iter().filter(|w| *w & set == set).count() as u64;
            ((0..items as u32).filter(|i| set & 1 << i != 0).collect(), count)
        })
        .filter(|(_, count)| *count >= min_count)
        .collect();
    sets.sort_by(|a, b| (a.0.len(), &a.0).cmp(&(b.0.len(), &b.0)));
    sets
}

fn found(itemsets: &Itemsets) -> Vec<(Vec<u32>, u64)> {
    (0..itemsets.len()).map(|i| (itemsets.items(i).to_vec(), itemsets.count(i))).collect()
}

fn contains(larger: &[u32], smaller: &[u32]) -> bool {
    larger.len() > smaller.len() && smaller.iter().all(|i| larger.contains(i))
}

proptest! {
    #[test]
    fn equals_brute_force(
        lists in prop::collection::vec(prop::collection::vec(0u32..9, 0..9), 0..40),
        min_count in 1u64..6,
        max_items in 1usize..10,
    ) {
        let (sets, report) = mine(&lists, 9, min_count, Limits { max_items, ..Limits::NONE });
        let mut expected = brute_force(&lists, 9, min_count);
        expected.retain(|(items, _)| items.len() <= max_items);
        prop_assert_eq!(found(&sets), expected.clone());
        prop_assert_eq!(report.baskets, lists.len());
        for (i, (items, count)) in expected.iter().enumerate() {
            let larger = || expected.iter().filter(|(other, _)| contains(other, items));
            prop_assert_eq!(sets.is_closed(i), larger().all(|(_, c)| c != count));
            prop_assert_eq!(sets.is_maximal(i), larger().next().is_none());
        }
    }

    #[test]
    fn the_three_kinds_of_sets_agree(
        lists in prop::collection::vec(prop::collection::vec(0u32..12, 0..12), 1..60),
        min_count in 1u64..8,
    ) {
        let (sets, report) = mine(&lists, 12, min_count, Limits::NONE);
        prop_assert!(report.maximal <= report.closed && report.closed <= report.itemsets);
        let closed: Vec<usize> = (0..sets.len()).filter(|i| sets.is_closed(*i)).collect();
        for i in 0..sets.len() {
            prop_assert!(!sets.is_maximal(i) || sets.is_closed(i));
            // The support of any set is the largest of the closed sets around it.
            let around = |c: &usize| *c == i || contains(sets.items(*c), sets.items(i));
            let support = closed.iter().filter(|c| around(c)).map(|c| sets.count(*c)).max();
            prop_assert_eq!(support, Some(sets.count(i)));
        }
    }

    #[test]
    fn rules_equal_brute_force(
        lists in prop::collection::vec(prop::collection::vec(0u32..7, 0..7), 1..40),
        min_count in 1u64..5,
        confidence in 0u64..=10,
        max_right in 1usize..4,
        drop_redundant: bool,
    ) {
        let sets = brute_force(&lists, 7, min_count);
        let (itemsets, _) = mine(&lists, 7, min_count, Limits::NONE);
        let settings = RuleSettings {
            min_confidence: Share::decimal(confidence, 1),
            min_lift: Share::ZERO,
            max_right,
            drop_redundant,
            max_p_value: 1.0,
            correction: Correction::None,
            ..RuleSettings::default()
        };
        let (found, report) = rules(&itemsets, &[], &settings);
        let count = |items: &[u32]| {
            lists.iter().filter(|l| items.iter().all(|i| l.contains(i))).count() as u64
        };
        let mut expected = Vec::new();
        for (items, both) in &sets {
            for parts in 1u32..(1 << items.len()) - 1 {
                let (right, left): (Vec<(usize, &u32)>, _) =
                    items.iter().enumerate().partition(|(i, _)| parts & 1 << i != 0);
                let right: Vec<u32> = right.into_iter().map(|(_, v)| *v).collect();
                let left: Vec<u32> = left.into_iter().map(|(_, v): (usize, &u32)| *v).collect();
                let strong = 10 * both >= confidence * count(&left);
                let better = |(part, _): &(Vec<u32>, u64)| {
                    let mut whole = part.clone();
                    whole.extend(&right);
                    contains(&left, part) && count(&whole) * count(&left) >= both * count(part)
                };
                if right.len() <= max_right && strong && !(drop_redundant && sets.iter().any(better)) {
                    expected.push((left, right, *both));
                }
            }
        }
        let mut got: Vec<_> = found.iter().map(|r| (r.left.clone(), r.right.clone(), r.both)).collect();
        expected.sort();
        got.sort();
        prop_assert_eq!(got, expected);
        prop_assert_eq!(report.rules + report.redundant, report.strong);
        for rule in &found {
            let (low, high) = rule.confidence_interval();
            prop_assert!(low <= rule.confidence() + 1e-12 && rule.confidence() <= high + 1e-12);
            prop_assert!((0.0..=1.0).contains(&rule.p_value));
            prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&rule.zhang()));
            let whole: f64 = (rule.both..=rule.with_left.min(rule.with_right)).map(|k| point(rule, k)).sum();
            prop_assert!((rule.p_value - whole).abs() < 1e-9, "{} {}", rule.p_value, whole);
        }
        for pair in found.windows(2) {
            prop_assert!(pair[0].lift() >= pair[1].lift() - 1e-12);
        }
    }

    #[test]
    fn sequences_equal_brute_force(
        history in prop::collection::vec((0u32..6, 0i32..40, 0u32..4), 1..60),
        min_count in 1u64..4,
        max_gap in prop::option::of(1i32..25),
    ) {
        let mut lines = history;
        lines.sort_unstable();
        let settings = SequenceSettings {
            min_count,
            max_length: 3,
            max_items: 4,
            min_gap_days: 1,
            max_gap_days: max_gap.unwrap_or(i32::MAX),
            max_sequences: usize::MAX,
        };
        let got = find(&lines, &settings);
        // Every sequence of up to three sets of up to two items, from the definition.
        let sets: Vec<Vec<u32>> =
            (0..4).flat_map(|a| (a..4).map(move |b| if a == b { vec![a] } else { vec![a, b] })).collect();
        let mut expected = 0;
        let mut check = |sequence: Vec<Vec<u32>>| {
            let customers = (0..6).filter(|c| supports(&lines, *c, &sequence, settings.max_gap_days)).count();
            let there = got.iter().find(|s| s.sets == sequence).map(|s| s.customers as usize);
            if customers as u64 >= min_count {
                expected += 1;
                assert_eq!(there, Some(customers), "{sequence:?}");
            } else {
                assert_eq!(there, None, "{sequence:?}");
            }
        };
        for a in &sets {
            check(vec![a.clone()]);
            for b in &sets {
                check(vec![a.clone(), b.clone()]);
                for c in sets.iter().filter(|c| a.len() + b.len() + c.len() <= 4) {
                    check(vec![a.clone(), b.clone(), c.clone()]);
                }
            }
        }
        prop_assert_eq!(got.iter().filter(|s| s.sets.iter().all(|set| set.len() <= 2)).count(), expected);
    }

    #[test]
    fn shares_are_exact(part in 0u64..2000, whole in 1u64..2000, threshold in 0u64..=1000) {
        let share: Share = format!("{}", threshold as f64 / 1000.0).parse().unwrap();
        prop_assert_eq!(share.reached_by(part, whole), 1000 * part >= threshold * whole);
        prop_assert_eq!(share.of(whole), (threshold * whole).div_ceil(1000));
    }
}

/// The probability of exactly `k` joint baskets, from factorials.
fn point(rule: &Rule, k: u64) -> f64 {
    let choose = |n: u64, k: u64| -> f64 {
        if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (k - i) as f64).product() }
    };
    let (n, l, r) = (rule.baskets, rule.with_left, rule.with_right);
    if r < k { 0.0 } else { choose(l, k) * choose(n - l, r - k) / choose(n, r) }
}

fn find(lines: &[(u32, i32, u32)], settings: &SequenceSettings) -> Vec<Sequence> {
    let (mut owner, mut day, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for basket in lines.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        owner.push(basket[0].0);
        day.push(basket[0].1);
        lists.push(basket.iter().map(|l| l.2).collect::<Vec<u32>>());
    }
    sequences(&Baskets::from_lists(lists, 8).unwrap(), &owner, &day, settings).unwrap().0
}

fn supports(lines: &[(u32, i32, u32)], customer: u32, sequence: &[Vec<u32>], max_gap: i32) -> bool {
    let days: std::collections::BTreeSet<i32> =
        lines.iter().filter(|l| l.0 == customer).map(|l| l.1).collect();
    let holds = |day: i32, set: &[u32]| set.iter().all(|i| lines.contains(&(customer, day, *i)));
    fn from(
        days: &std::collections::BTreeSet<i32>,
        last: Option<i32>,
        sequence: &[Vec<u32>],
        max_gap: i32,
        holds: &dyn Fn(i32, &[u32]) -> bool,
    ) -> bool {
        let Some((first, rest)) = sequence.split_first() else { return true };
        days.iter().any(|day| {
            last.is_none_or(|l| *day > l && day - l <= max_gap)
                && holds(*day, first)
                && from(days, Some(*day), rest, max_gap, holds)
        })
    }
    from(&days, None, sequence, max_gap, &holds)
}

/// Twelve customers made to trip a careless search: repeats of a day, gaps of just 30 and 31 days, sets that must be
/// met late. Counted by a separate program.
#[test]
fn sequences_of_twelve_customers() {
    let lines = [
        "1 0 AB", "1 20 C", "1 40 D", "1 75 A", "2 5 A", "2 25 CE", "2 50 D", "3 0 A", "3 60 AB", "3 85 C",
        "3 110 D", "4 10 B", "4 40 C", "4 71 DE", "5 0 AB", "5 30 CE", "5 61 D", "6 3 C", "6 10 A", "6 18 A",
        "6 48 CD", "7 0 D", "7 15 E", "7 29 D", "7 44 E", "7 60 D", "8 0 BDE", "8 10 BE", "8 20 BDE",
        "8 30 E", "8 40 D", "9 1 AB", "9 31 AB", "9 61 C", "10 0 C", "10 5 D", "10 14 E", "10 28 D",
        "10 59 E", "11 0 ABC", "12 7 D", "12 21 E", "12 28 D", "12 35 BE", "12 66 A", "12 90 BD",
    ];
    let mut all = Vec::new();
    for line in lines {
        let mut parts = line.split(' ');
        let mut number = || parts.next().unwrap();
        let (customer, day) = (number().parse().unwrap(), number().parse().unwrap());
        all.extend(number().bytes().map(|b| (customer, day, u32::from(b - b'A'))));
    }
    let of = |max_gap_days| {
        let settings = SequenceSettings {
            min_count: 3,
            max_length: 4,
            max_items: 9,
            min_gap_days: 1,
            max_gap_days,
            max_sequences: 1000,
        };
        find(&all, &settings)
    };
    let name = |s: &Sequence| {
        let set = |set: &Vec<u32>| set.iter().map(|i| char::from(b'A' + *i as u8)).collect::<String>();
        format!("{} {}", s.sets.iter().map(set).collect::<Vec<_>>().join(">"), s.customers)
    };
    let lengths = |found: &[Sequence]| {
        (1..=4).map(|n| found.iter().filter(|s| s.sets.len() == n).count()).collect::<Vec<_>>()
    };
    let free = of(i32::MAX);
    assert_eq!(lengths(&free), [6, 16, 11, 5]);
    let near = of(30);
    assert_eq!(lengths(&near), [6, 8, 5, 1]);
    let names: Vec<String> = near.iter().filter(|s| s.sets.len() > 1).map(name).collect();
    assert_eq!(
        names,
        [
            "A>C 6", "B>C 5", "C>D 4", "D>D 4", "D>E 4", "E>D 5", "E>E 3", "AB>C 4", "A>C>D 3", "D>D>E 3",
            "D>E>D 4", "D>E>E 3", "E>D>E 3", "D>E>D>E 3"
        ]
    );
    let ac = free.iter().find(|s| name(s) == "A>C 6").unwrap();
    // Gaps at first completion: 20, 20, 25, 30, 30, 30.
    assert_eq!((ac.median_gap_days, ac.customers_before, ac.customers_last), (Some(27.5), 8, 9));
}

#[test]
fn limits_bite_and_say_so() {
    // Four items that always come together, one that is everywhere, one giant basket.
    let mut lists: Vec<Vec<u32>> =
        (0..20).map(|i| if i < 10 { vec![0, 1, 2, 3, 9] } else { vec![9] }).collect();
    lists.push((0..50).collect());
    let limits = Limits { max_items: 2, max_basket: 10, max_itemsets: 1000 };
    let (sets, report) = mine(&lists, 50, 5, limits);
    assert_eq!((report.baskets, report.baskets_left_out, report.cut_at_max_items), (20, 1, true));
    assert_eq!(sets.len(), 5 + 10);
    let everywhere = (0..sets.len()).find(|i| sets.items(*i) == [9]).unwrap();
    assert_eq!(sets.count(everywhere), 20);

    let (sets, report) = mine(&lists, 50, 5, Limits { max_itemsets: 30, ..limits });
    assert_eq!((report.min_count, report.used_count, sets.len()), (5, 5, 15));
    // At 10 baskets there are 15 sets still; at 20 one is left.
    let (sets, report) = mine(&lists, 50, 5, Limits { max_itemsets: 14, ..limits });
    assert_eq!((report.used_count, found(&sets)), (20, vec![(vec![9], 20)]));
}

#[test]
fn degenerate_baskets() {
    for lists in [vec![], vec![vec![]], vec![vec![], vec![]]] {
        let (sets, report) = mine(&lists, 3, 1, Limits::default());
        assert!(sets.is_empty() && report.baskets == lists.len());
        assert!(rules(&sets, &[], &RuleSettings::default()).0.is_empty());
    }
    assert!(Baskets::from_lists([vec![3]], 3).is_err());
    assert!(Baskets::from_lines(&[0], &[], 3).is_err());
    let repeats = Baskets::from_lines(&[7, 7, 7, 2], &[1, 0, 1, 1], 2).unwrap();
    assert_eq!(repeats.iter().collect::<Vec<_>>(), [&[0u32, 1][..], &[1]]);
}

#[test]
fn more_than_64_items_below_an_item() {
    // 70 items together in every basket but the last few: the conditional baskets do not fit a word.
    let lists: Vec<Vec<u32>> = (0..30).map(|i| (0..70).filter(|j| i > 2 || j % 2 == 0).collect()).collect();
    let (sets, _) = mine(&lists, 70, 28, Limits { max_items: 2, ..Limits::NONE });
    assert_eq!(sets.len(), 35 + 35 * 34 / 2);
    let (sets, _) = mine(&lists, 70, 27, Limits { max_items: 3, ..Limits::NONE });
    assert_eq!(sets.len(), 70 + 70 * 69 / 2 + 70 * 69 * 68 / 6);
    assert!((0..sets.len()).all(|i| {
        let count = sets.count(i);
        count == if sets.items(i).iter().all(|j| j % 2 == 0) { 30 } else { 27 }
    }));
}

#[test]
fn levels_mix_without_the_obvious() {
    // Items 0 and 1 are of category 3, item 2 of category 4.
    let parent = [Some(3), Some(3), Some(4), None, None];
    let above = hierarchy::ancestors(&parent).unwrap();
    let lists = [vec![0, 2], vec![1, 2], vec![0, 2], vec![1]];
    let baskets = Baskets::from_lists(lists, 5).unwrap();
    let apart = hierarchy::apart(&above);
    let mixed = hierarchy::mixed(&baskets, &above).unwrap();
    let (sets, _) = Miner { min_count: 2, limits: Limits::NONE, apart: &apart }.mine(&mixed);
    let larger: Vec<_> = found(&sets).into_iter().filter(|(items, _)| items.len() > 1).collect();
    // With items 0 and 2: {0, 2}, {0, 4}; with categories: {2, 3}, {3, 4}.
    let expected = [(vec![0, 2], 2), (vec![0, 4], 2), (vec![2, 3], 3), (vec![3, 4], 3)];
    assert_eq!(larger, expected);
    let rolled = hierarchy::roll_up(&baskets, &above).unwrap();
    assert_eq!(rolled.iter().collect::<Vec<_>>(), [&[3u32, 4][..], &[3, 4], &[3, 4], &[3]]);
    // A circle of three, met from outside as well.
    let circle = hierarchy::ancestors(&[Some(1), Some(2), Some(3), Some(1)]).unwrap_err();
    assert_eq!(circle, Fault::Circle(vec![2, 3, 1]));
    assert_eq!(hierarchy::ancestors(&[Some(0)]).unwrap_err(), Fault::Circle(vec![0]));
    // A chain of as many levels as are allowed, and of one more.
    let chain = |levels: u32| (1..=levels).map(Some).chain([None]).collect::<Vec<_>>();
    assert_eq!(hierarchy::ancestors(&chain(MOST_LEVELS)).unwrap()[0].len(), MOST_LEVELS as usize);
    assert_eq!(hierarchy::ancestors(&chain(MOST_LEVELS + 1)).unwrap_err(), Fault::TooDeep(0));
}

#[test]
fn corrections_are_r_p_adjust() {
    // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm"), and "BH", "bonferroni".
    let p = [0.01, 0.04, 0.03, 0.005];
    let near = |a: Vec<f64>, b: [f64; 4]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-15);
    assert!(near(adjust(&p, Correction::Holm), [0.03, 0.06, 0.06, 0.02]));
    assert!(near(adjust(&p, Correction::BenjaminiHochberg), [0.02, 0.04, 0.04, 0.02]));
    assert!(near(adjust(&p, Correction::Bonferroni), [0.04, 0.16, 0.12, 0.02]));
}

#[test]
fn thresholds_read_as_written() {
    #[derive(serde::Deserialize)]
    struct Config {
        least: Vec<Least>,
    }
    let config: Config = serde_json::from_str(r#"{"least": [100, 0.01, 1e-5, 0.1]}"#).unwrap();
    let of: Vec<u64> = config.least.iter().map(|l| l.of(9835)).collect();
    assert_eq!(of, [100, 99, 1, 984]);
    for bad in ["", "-1", "1.2.3", "0.1234567890123", "nan", "1e30"] {
        assert!(bad.parse::<Share>().is_err(), "{bad}");
    }
}
