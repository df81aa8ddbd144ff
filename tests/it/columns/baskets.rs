//! What is bought together, and one after another.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{as_of, name, order_days, product, said, Order};
use super::{ensure, holds, holds_about, quantile, says, Found, Frame, World};

/// Items of a JSON array as products.
fn items(text: &str) -> Option<BTreeSet<usize>> {
    let names: Vec<String> = serde_json::from_str(text).ok()?;
    names.iter().map(|n| n.strip_prefix('p')?.parse().ok()).collect()
}

fn orders(world: &World) -> Vec<Order<'_>> {
    world.facts.orders(as_of().0)
}

fn holding(orders: &[Order<'_>], set: &BTreeSet<usize>) -> f64 {
    orders.iter().filter(|o| set.is_subset(&o.products)).count() as f64
}

/// The margin that a product brings to an order that holds it: of all its lines, returns too.
fn worth(world: &World, orders: &[Order<'_>], item: usize) -> f64 {
    let lines = world.facts.lines.iter().filter(|l| l.product == item);
    lines.map(|l| l.money() - l.cost()).sum::<f64>() / holding(orders, &BTreeSet::from([item]))
}

fn sets(frame: &Frame, column: &str) -> Result<Vec<BTreeSet<usize>>, String> {
    frame.t(column).iter().map(|t| items(t).ok_or_else(|| format!("`{t}` is no list of products"))).collect()
}

pub fn itemsets(world: &World) -> Found {
    let frame = world.table("itemsets");
    let orders = orders(world);
    let sets = sets(frame, "items")?;
    let counts: Vec<f64> = sets.iter().map(|s| holding(&orders, s)).collect();
    ensure(sets.iter().any(|s| s.len() >= 3), "some sets are of three")?;
    holds(frame, "itemset_id", (1..=frame.rows).map(|n| n as f64))?;
    holds(frame, "size", sets.iter().map(|s| s.len() as f64))?;
    holds(frame, "baskets", counts.iter().copied())?;
    holds(frame, "support", counts.iter().map(|n| n / orders.len() as f64))?;
    let is_part = |i: usize, j: usize| sets[i].len() < sets[j].len() && sets[i].is_subset(&sets[j]);
    let closed = |i: usize| !(0..sets.len()).any(|j| is_part(i, j) && counts[j] == counts[i]);
    let maximal = |i: usize| !(0..sets.len()).any(|j| is_part(i, j));
    holds(frame, "is_closed", (0..frame.rows).map(|i| f64::from(u8::from(closed(i)))))?;
    holds(frame, "is_maximal", (0..frame.rows).map(|i| f64::from(u8::from(maximal(i)))))?;
    holds_about(frame, "value", sets.iter().map(|s| s.iter().map(|i| worth(world, &orders, *i)).sum()), 1e-6)
}

/// Logarithms of factorials.
fn ln_factorials(n: usize) -> Vec<f64> {
    let mut all = vec![0.0; n + 1];
    for i in 1..=n {
        all[i] = all[i - 1] + (i as f64).ln();
    }
    all
}

/// The chance of at least `both` baskets with two sides that are independent (Fisher's exact test, one-sided).
fn fisher(ln: &[f64], both: usize, left: usize, right: usize, n: usize) -> f64 {
    let choose = |n: usize, k: usize| ln[n] - ln[k] - ln[n - k];
    (both..=left.min(right))
        .filter(|k| right - k <= n - left)
        .map(|k| (choose(left, k) + choose(n - left, right - k) - choose(n, right)).exp())
        .sum::<f64>()
        .min(1.0)
}

/// Every rule between frequent sets with at most two items on the right, with its p-value as Holm corrects it.
fn corrected(
    world: &World,
    orders: &[Order<'_>],
    ln: &[f64],
) -> BTreeMap<(BTreeSet<usize>, BTreeSet<usize>), f64> {
    let mut tested = Vec::new();
    for set in sets(world.table("itemsets"), "items").unwrap() {
        let list: Vec<usize> = set.iter().copied().collect();
        for mask in 1..(1u32 << list.len()) - 1 {
            let side = |wanted: bool| -> BTreeSet<usize> {
                (0..list.len()).filter(|i| (mask >> i & 1 == 1) == wanted).map(|i| list[i]).collect()
            };
            let (left, right) = (side(true), side(false));
            if right.len() <= 2 {
                let n = |s: &BTreeSet<usize>| holding(orders, s) as usize;
                let p = fisher(ln, n(&set), n(&left), n(&right), orders.len());
                tested.push((p, (left, right)));
            }
        }
    }
    tested.sort_by(|a, b| a.0.total_cmp(&b.0));
    let m = tested.len();
    let mut so_far: f64 = 0.0;
    tested
        .into_iter()
        .enumerate()
        .map(|(i, (p, rule))| {
            so_far = so_far.max((p * (m - i) as f64).min(1.0));
            (rule, so_far)
        })
        .collect()
}

pub fn rules(world: &World) -> Found {
    let frame = world.table("rules");
    let orders = orders(world);
    let n = orders.len() as f64;
    let (left, right) = (sets(frame, "left_items")?, sets(frame, "right_items")?);
    ensure(left.iter().any(|s| s.len() > 1) && frame.rows > 20, "rules of several items")?;
    let both: Vec<BTreeSet<usize>> = left.iter().zip(&right).map(|(l, r)| l | r).collect();
    let count = |sets: &[BTreeSet<usize>]| sets.iter().map(|s| holding(&orders, s)).collect::<Vec<f64>>();
    let (b, l, r) = (count(&both), count(&left), count(&right));
    holds(frame, "rule_id", (1..=frame.rows).map(|n| n as f64))?;
    let words = |set: &BTreeSet<usize>| set.iter().map(|i| said(*i)).collect::<Vec<_>>().join(" + ");
    says(frame, "rule", left.iter().zip(&right).map(|(l, r)| format!("{} => {}", words(l), words(r))))?;
    holds(frame, "baskets_both", b.iter().copied())?;
    holds(frame, "baskets_left", l.iter().copied())?;
    holds(frame, "baskets_right", r.iter().copied())?;
    holds(frame, "baskets", b.iter().map(|_| n))?;
    let each = |f: &dyn Fn(f64, f64, f64) -> f64| {
        (0..frame.rows).map(|i| f(b[i] / n, l[i] / n, r[i] / n)).collect::<Vec<_>>()
    };
    holds(frame, "support", each(&|s, _, _| s))?;
    holds(frame, "confidence", each(&|s, l, _| s / l))?;
    // Wilson's interval of a share of the left side's baskets.
    let wilson = |sign: f64| {
        let z = 1.959_963_984_540_054_f64;
        (0..frame.rows)
            .map(|i| {
                let (p, n) = (b[i] / l[i], l[i]);
                let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
                ((p + z * z / (2.0 * n) + sign * half) / (1.0 + z * z / n)).clamp(0.0, 1.0)
            })
            .collect::<Vec<_>>()
    };
    holds(frame, "confidence_low", wilson(-1.0))?;
    holds(frame, "confidence_high", wilson(1.0))?;
    holds(frame, "lift", each(&|s, l, r| s / l / r))?;
    holds_about(frame, "leverage", each(&|s, l, r| s - l * r), 1e-7)?;
    holds_about(
        frame,
        "conviction",
        each(&|s, l, r| if s == l { f64::NAN } else { (1.0 - r) / (1.0 - s / l) }),
        1e-7,
    )?;
    holds_about(frame, "zhang", each(&|s, l, r| (s - l * r) / f64::max(s * (1.0 - l), l * (r - s))), 1e-6)?;
    holds(frame, "jaccard", each(&|s, l, r| s / (l + r - s)))?;
    holds(frame, "cosine", each(&|s, l, r| s / (l * r).sqrt()))?;
    holds(frame, "kulczynski", each(&|s, l, r| (s / l + s / r) / 2.0))?;
    holds_about(frame, "imbalance", each(&|s, l, r| (l - r).abs() / (l + r - s)), 1e-7)?;
    let value = |i: usize| right[i].iter().map(|item| worth(world, &orders, *item)).sum::<f64>();
    holds_about(frame, "right_value", (0..frame.rows).map(value), 1e-6)?;
    holds_about(frame, "expected_value", (0..frame.rows).map(|i| b[i] / l[i] * value(i)), 1e-6)?;
    let ln = ln_factorials(orders.len());
    let p = |i: usize| fisher(&ln, b[i] as usize, l[i] as usize, r[i] as usize, orders.len());
    holds_about(frame, "p_value", (0..frame.rows).map(p), 1e-6)?;
    let adjusted = corrected(world, &orders, &ln);
    holds_about(
        frame,
        "p_adjusted",
        (0..frame.rows).map(|i| adjusted[&(left[i].clone(), right[i].clone())]),
        1e-6,
    )
}

/// What each customer bought by day.
fn by_day(world: &World) -> Vec<BTreeMap<i32, BTreeSet<usize>>> {
    let mut all: BTreeMap<&str, BTreeMap<i32, BTreeSet<usize>>> = BTreeMap::new();
    let orders = orders(world);
    for order in &orders {
        all.entry(order.customer).or_default().entry(order.day).or_default().extend(&order.products);
    }
    all.into_values().collect()
}

pub fn sequences(world: &World) -> Found {
    let frame = world.table("sequences");
    let customers = by_day(world);
    let parse = |text: &String| -> Option<Vec<BTreeSet<usize>>> {
        let lists: Vec<Vec<String>> = serde_json::from_str(text).ok()?;
        lists.iter().map(|l| items(&serde_json::to_string(l).ok()?)).collect()
    };
    let sets: Vec<Vec<BTreeSet<usize>>> =
        frame.t("sets").iter().map(parse).collect::<Option<Vec<_>>>().ok_or("no lists of products")?;
    ensure(sets.iter().any(|s| s.len() == 2) && sets.iter().any(|s| s.len() == 1), "of one step and of two")?;
    // The gap at which a customer first completes one or two steps: NaN for one, none for who does not.
    let completes = |days: &BTreeMap<i32, BTreeSet<usize>>, steps: &[BTreeSet<usize>]| -> Option<f64> {
        let with = |set: &BTreeSet<usize>| {
            days.iter().filter(|d| set.is_subset(d.1)).map(|d| *d.0).collect::<Vec<i32>>()
        };
        match steps {
            [one] => with(one).first().map(|_| f64::NAN),
            [first, then] => with(then).into_iter().find_map(|day| {
                let before = with(first).into_iter().filter(|d| *d < day).max()?;
                Some(f64::from(day - before))
            }),
            _ => None,
        }
    };
    let gaps = |steps: &[BTreeSet<usize>]| {
        customers.iter().filter_map(|d| completes(d, steps)).collect::<Vec<f64>>()
    };
    let count = |steps: &[BTreeSet<usize>]| gaps(steps).len() as f64;
    let n = customers.len() as f64;
    let words = |set: &BTreeSet<usize>| set.iter().map(|i| said(*i)).collect::<Vec<_>>().join(" + ");
    holds(frame, "sequence_id", (1..=frame.rows).map(|n| n as f64))?;
    says(frame, "sequence", sets.iter().map(|s| s.iter().map(words).collect::<Vec<_>>().join(" => ")))?;
    holds(frame, "length", sets.iter().map(|s| s.len() as f64))?;
    holds(frame, "items", sets.iter().map(|s| s.iter().map(BTreeSet::len).sum::<usize>() as f64))?;
    holds(frame, "customers", sets.iter().map(|s| count(s)))?;
    holds(frame, "support", sets.iter().map(|s| count(s) / n))?;
    let confidence =
        |s: &Vec<BTreeSet<usize>>| if s.len() == 1 { f64::NAN } else { count(s) / count(&s[..1]) };
    holds(frame, "confidence", sets.iter().map(confidence))?;
    holds(frame, "lift", sets.iter().map(|s| confidence(s) / (count(&s[s.len() - 1..]) / n)))?;
    holds(
        frame,
        "median_gap_days",
        sets.iter().map(|s| if s.len() == 1 { f64::NAN } else { quantile(&gaps(s), 0.5) }),
    )
}

pub fn first_to_second(world: &World) -> Found {
    let frame = world.table("first_to_second");
    let orders = orders(world);
    let customers: Vec<&[Order<'_>]> = orders.chunk_by(|a, b| a.customer == b.customer).collect();
    let number = |name: &String| name.strip_prefix('p').and_then(|n| n.parse::<usize>().ok());
    let pairs: Vec<(usize, usize)> = (0..frame.rows)
        .map(|i| number(&frame.t("first_product")[i]).zip(number(&frame.t("second_product")[i])))
        .collect::<Option<Vec<_>>>()
        .ok_or("no products")?;
    ensure(pairs.iter().any(|p| p.0 != p.1), "different products")?;
    says(frame, "first_name", pairs.iter().map(|p| name(p.0)))?;
    says(frame, "second_name", pairs.iter().map(|p| name(p.1)))?;
    let first = |p: usize| customers.iter().filter(move |c| c[0].products.contains(&p));
    let again = |p: usize| first(p).filter(|c| c.len() > 1);
    let both =
        |p: (usize, usize)| again(p.0).filter(move |c| c[1].products.contains(&p.1)).collect::<Vec<_>>();
    let second =
        |p: usize| customers.iter().filter(|c| c.len() > 1 && c[1].products.contains(&p)).count() as f64;
    let all_second = customers.iter().filter(|c| c.len() > 1).count() as f64;
    let confidence = |p: (usize, usize)| both(p).len() as f64 / again(p.0).count() as f64;
    holds(frame, "customers", pairs.iter().map(|p| both(*p).len() as f64))?;
    holds(frame, "first_customers", pairs.iter().map(|p| first(p.0).count() as f64))?;
    holds(frame, "came_again", pairs.iter().map(|p| again(p.0).count() as f64))?;
    holds(frame, "confidence", pairs.iter().map(|p| confidence(*p)))?;
    holds(frame, "lift", pairs.iter().map(|p| confidence(*p) / (second(p.1) / all_second)))?;
    let days = |p: (usize, usize)| both(p).iter().map(|c| f64::from(c[1].day - c[0].day)).collect::<Vec<_>>();
    holds(frame, "median_days", pairs.iter().map(|p| quantile(&days(*p), 0.5)))
}

pub fn next_purchase(world: &World) -> Found {
    let frame = world.table("next_purchase");
    let facts = world.facts.customers(as_of().0);
    let orders = orders(world);
    let names: BTreeSet<usize> = orders.iter().flat_map(|o| o.products.iter().copied()).collect();
    says(frame, "product", names.iter().map(|p| product(*p)))?;
    says(frame, "product_name", names.iter().map(|p| name(*p)))?;
    let with = |p: usize| orders.iter().filter(move |o| o.products.contains(&p));
    let next = |p: usize| {
        with(p)
            .filter_map(|o| {
                let later = order_days(&facts[o.customer]).into_iter().find(|d| *d > o.day)?;
                Some(f64::from(later - o.day))
            })
            .collect::<Vec<f64>>()
    };
    let days_of = |p: usize| {
        let mut days: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
        with(p).for_each(|o| {
            days.entry(o.customer).or_default().insert(o.day);
        });
        days
    };
    let again = |p: usize| {
        let gaps = |d: &BTreeSet<i32>| {
            d.iter().zip(d.iter().skip(1)).map(|(a, b)| f64::from(b - a)).collect::<Vec<_>>()
        };
        days_of(p).values().flat_map(gaps).collect::<Vec<f64>>()
    };
    holds(frame, "orders", names.iter().map(|p| with(*p).count() as f64))?;
    holds(frame, "followed", names.iter().map(|p| next(*p).len() as f64))?;
    holds(frame, "customers", names.iter().map(|p| days_of(*p).len() as f64))?;
    holds(
        frame,
        "repeaters",
        names.iter().map(|p| days_of(*p).values().filter(|d| d.len() > 1).count() as f64),
    )?;
    for (suffix, share) in [("q1", 0.25), ("median", 0.5), ("q3", 0.75)] {
        holds(frame, &format!("days_to_next_{suffix}"), names.iter().map(|p| quantile(&next(*p), share)))?;
        holds(frame, &format!("days_to_repeat_{suffix}"), names.iter().map(|p| quantile(&again(*p), share)))?;
    }
    Ok(())
}
