//! Offers, cohorts, and where the value sits.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{as_of, category, name, net, product, Line};
use super::{ensure, holds, holds_about, near, says, Found, World};

/// Members by value, the largest first, equal ones in the order given; what is below zero counts as nothing.
fn ranked(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    order
}

/// A, B and C: while the members so far hold 80 % and 95 %; the largest is in A in any case.
fn classes(values: &[f64]) -> Vec<&'static str> {
    let total: f64 = values.iter().map(|v| v.max(0.0)).sum();
    let (mut sum, mut classes) = (0.0, vec!["C"; values.len()]);
    for (place, member) in ranked(values).into_iter().enumerate() {
        sum += values[member].max(0.0);
        classes[member] = match sum / total {
            s if place == 0 || s <= 0.8 + 1e-12 => "A",
            s if s <= 0.95 + 1e-12 => "B",
            _ => "C",
        };
    }
    classes
}

/// Cents, so that sums are exact.
fn by<'a, K: Ord>(
    lines: impl Iterator<Item = &'a Line>,
    key: impl Fn(&'a Line) -> K,
) -> BTreeMap<K, (i64, bool)> {
    let mut sums: BTreeMap<K, (i64, bool)> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(key(line)).or_default();
        sum.0 += line.amount;
        sum.1 |= !line.is_return();
    }
    sums
}

/// Values of members with a sale, in units of money.
fn values<K: Ord>(sums: BTreeMap<K, (i64, bool)>) -> Vec<f64> {
    sums.into_values().filter(|s| s.1).map(|s| s.0 as f64 / 100.0).collect()
}

pub fn scores(world: &World) -> Found {
    let frame = world.table("customers");
    says(frame, "value_class", classes(&values(by(world.facts.lines.iter(), |l| l.customer.as_str()))))
}

pub fn concentration(world: &World) -> Found {
    let frame = world.table("concentration");
    // Quarters of a year, numbered.
    let quarter = |day: i32| {
        let text = tillwise_core::Day(day).to_string();
        let (year, month): (i32, i32) = (text[..4].parse().unwrap(), text[5..7].parse().unwrap());
        4 * year + (month - 1) / 3
    };
    let of = |i: usize| {
        let start = frame.n("period_start")[i];
        let lines = || {
            world
                .facts
                .lines
                .iter()
                .filter(move |l| start.is_nan() || quarter(l.day) == quarter(start as i32))
        };
        match frame.t("subject")[i].as_str() {
            "customers" => values(by(lines(), |l| l.customer.clone())),
            "products" => values(by(lines(), |l| l.product())),
            _ => Vec::new(),
        }
    };
    let rows: Vec<Vec<f64>> = (0..frame.rows).map(of).collect();
    ensure(
        rows.iter().all(|r| !r.is_empty()) && frame.rows == 2 * 9,
        "all time and eight quarters, of both",
    )?;
    let mut starts: Vec<f64> = frame.n("period_start").iter().copied().filter(|s| s.is_finite()).collect();
    starts.sort_by(f64::total_cmp);
    starts.dedup();
    ensure(
        starts.len() == 8 && starts.windows(2).all(|w| quarter(w[0] as i32) + 1 == quarter(w[1] as i32)),
        "quarters",
    )?;
    ensure(starts.iter().all(|s| quarter(*s as i32 - 1) < quarter(*s as i32)), "on their first days")?;
    let total = |v: &[f64]| v.iter().map(|v| v.max(0.0)).sum::<f64>();
    let sorted = |v: &[f64]| ranked(v).into_iter().map(|i| v[i].max(0.0)).collect::<Vec<f64>>();
    let top = |v: &[f64], share: f64| {
        let n = (share * v.len() as f64 - 1e-9).ceil() as usize;
        sorted(v)[..n].iter().sum::<f64>() / total(v)
    };
    let fewest = |v: &[f64]| {
        let (mut sum, mut n) = (0.0, 0);
        for value in sorted(v) {
            sum += value;
            n += 1;
            if sum >= 0.8 * total(v) - 1e-9 {
                break;
            }
        }
        f64::from(n)
    };
    let squares = |v: &[f64]| v.iter().map(|x| (x.max(0.0) / total(v)).powi(2)).sum::<f64>();
    let each = |f: &dyn Fn(&[f64]) -> f64| rows.iter().map(|r| f(r)).collect::<Vec<f64>>();
    holds(frame, "members", each(&|v| v.len() as f64))?;
    holds(frame, "negative_members", each(&|v| v.iter().filter(|v| **v < 0.0).count() as f64))?;
    holds(frame, "net_revenue", each(&total))?;
    // Half the mean difference of any two members, over their mean.
    let gini = |v: &[f64]| {
        let v: Vec<f64> = v.iter().map(|v| v.max(0.0)).collect();
        let apart: f64 = v.iter().flat_map(|a| v.iter().map(move |b| (a - b).abs())).sum();
        apart / (2.0 * v.len() as f64 * total(&v))
    };
    holds(frame, "gini", each(&gini))?;
    for percent in [1, 5, 10, 20, 50] {
        holds(frame, &format!("top_{percent}_share"), each(&|v| top(v, f64::from(percent) / 100.0)))?;
    }
    holds(frame, "members_for_80", each(&fewest))?;
    holds(frame, "share_for_80", each(&|v| fewest(v) / v.len() as f64))?;
    for (column, name) in [("class_a", "A"), ("class_b", "B"), ("class_c", "C")] {
        holds(frame, column, each(&|v| classes(v).iter().filter(|c| **c == name).count() as f64))?;
    }
    holds(frame, "largest_share", each(&|v| sorted(v)[0] / total(v)))?;
    holds(frame, "herfindahl", each(&squares))?;
    holds(frame, "effective_members", each(&|v| 1.0 / squares(v)))
}

pub fn lorenz(world: &World) -> Found {
    let frame = world.table("lorenz");
    let subjects = [
        ("customers", values(by(world.facts.lines.iter(), |l| l.customer.clone()))),
        ("products", values(by(world.facts.lines.iter(), |l| l.product()))),
    ];
    let mut expected = Vec::new();
    for (name, values) in subjects {
        let mut sorted: Vec<f64> = values.iter().map(|v| v.max(0.0)).collect();
        sorted.sort_by(f64::total_cmp);
        for step in 0..=100 {
            let n = step * sorted.len() / 100;
            let share = sorted[..n].iter().sum::<f64>() / sorted.iter().sum::<f64>();
            expected.push((name, n as f64 / sorted.len() as f64, share));
        }
    }
    says(frame, "subject", expected.iter().map(|e| e.0))?;
    holds(frame, "member_share", expected.iter().map(|e| e.1))?;
    holds(frame, "revenue_share", expected.iter().map(|e| e.2))
}

pub fn key_customers(world: &World) -> Found {
    let frame = world.table("key_customers");
    let customers = world.table("customers");
    let revenue = customers.n("net_revenue");
    let keys: Vec<usize> = ranked(revenue).into_iter().take(12).collect();
    let total: f64 = revenue.iter().map(|v| v.max(0.0)).sum();
    let of = |column: &str| keys.iter().map(|i| customers.n(column)[*i]).collect::<Vec<f64>>();
    holds(frame, "place", (1..=12).map(f64::from))?;
    says(frame, "customer_id", keys.iter().map(|i| &customers.t("customer_id")[*i]))?;
    holds(frame, "net_revenue", of("net_revenue"))?;
    holds(frame, "revenue_share", of("net_revenue").iter().map(|v| v / total))?;
    holds(frame, "cumulative_share", (0..12).map(|i| of("net_revenue")[..=i].iter().sum::<f64>() / total))?;
    for column in ["orders", "days_since_last", "mean_gap_days"] {
        holds(frame, column, of(column))?;
    }
    let late = |i: &usize| {
        f64::from(u8::from(customers.n("days_since_last")[*i] > 2.0 * customers.n("mean_gap_days")[*i]))
    };
    holds(frame, "is_late", keys.iter().map(late))
}

pub fn products(world: &World) -> Found {
    let frame = world.table("products");
    let sums = by(world.facts.lines.iter(), |l| l.product);
    let numbers: Vec<usize> = sums.keys().copied().collect();
    let value: Vec<f64> = values(sums);
    let class = classes(&value);
    let order = ranked(&value);
    let total: f64 = value.iter().map(|v| v.max(0.0)).sum();
    let lines = |i: &usize| {
        let number = numbers[*i];
        world.facts.lines.iter().filter(move |l| l.product == number)
    };
    let sales = |i: &usize| lines(i).filter(|l| !l.is_return());
    let gross = |i: &usize| sales(i).map(Line::money).sum::<f64>();
    let units = |i: &usize| sales(i).map(|l| l.quantity).sum::<i64>() as f64;
    says(frame, "product", order.iter().map(|i| product(numbers[*i])))?;
    says(frame, "product_name", order.iter().map(|i| name(numbers[*i])))?;
    says(frame, "category", order.iter().map(|i| category(numbers[*i])))?;
    says(frame, "product_class", order.iter().map(|i| class[*i]))?;
    holds(frame, "net_revenue", order.iter().map(|i| value[*i]))?;
    holds(frame, "revenue_share", order.iter().map(|i| value[*i].max(0.0) / total))?;
    holds_about(frame, "margin", order.iter().map(|i| lines(i).map(|l| l.money() - l.cost()).sum()), 1e-7)?;
    holds(frame, "units", order.iter().map(units))?;
    holds(frame, "mean_unit_price", order.iter().map(|i| gross(i) / units(i)))?;
    holds_about(frame, "returns_value", order.iter().map(|i| gross(i) - value[*i]), 1e-7)?;
    let distinct =
        |i: &usize, of: &dyn Fn(&Line) -> String| sales(i).map(of).collect::<BTreeSet<_>>().len() as f64;
    holds(frame, "orders", order.iter().map(|i| distinct(i, &|l| l.order.clone())))?;
    holds(frame, "customers", order.iter().map(|i| distinct(i, &|l| l.customer.clone())))
}

pub fn bridge(world: &World) -> Found {
    const DAYS: i32 = 300;
    let frame = world.table("revenue_bridge");
    let periods = [(as_of().0 - 2 * DAYS + 1, as_of().0 - DAYS), (as_of().0 - DAYS + 1, as_of().0)];
    let within = |l: &Line, p: usize| periods[p].0 <= l.day && l.day <= periods[p].1;
    let (mut parts, mut money): (BTreeMap<&str, f64>, BTreeMap<&str, f64>) = Default::default();
    let mut add = |part: &'static str, amount: f64| {
        *parts.entry(part).or_default() += 1.0;
        *money.entry(part).or_default() += amount;
    };
    for lines in world.facts.customers(as_of().0).values() {
        let spent = |p: usize| net(&lines.iter().filter(|l| within(l, p)).copied().collect::<Vec<_>>());
        let ordered = |p: usize| lines.iter().any(|l| !l.is_return() && within(l, p));
        let first = lines.iter().filter(|l| !l.is_return()).map(|l| l.day).min().unwrap();
        let change = spent(1) - spent(0);
        match (ordered(0), ordered(1)) {
            (true, true) if change.abs() < 1e-9 => add("unchanged", change),
            (true, true) if change > 0.0 => add("grown", change),
            (true, true) => add("shrunk", change),
            (true, false) => add("lost", change),
            (false, true) if first >= periods[1].0 => add("new", change),
            (false, true) => add("returning", change),
            (false, false) if change.abs() > 1e-9 => add("lost", change),
            (false, false) => {}
        }
    }
    let revenue = |p: usize| {
        world.facts.lines.iter().filter(|l| within(l, p)).map(|l| l.amount).sum::<i64>() as f64 / 100.0
    };
    let mut named = 0.0;
    for number in world.facts.lines.iter().map(|l| l.product).collect::<BTreeSet<_>>() {
        let sales = |p: usize| {
            let own = world
                .facts
                .lines
                .iter()
                .filter(move |l| l.product == number && !l.is_return() && within(l, p));
            own.fold((0.0, 0.0), |(money, units), l| (money + l.money(), units + l.quantity as f64))
        };
        let ((r1, q1), (r2, q2)) = (sales(0), sales(1));
        if q1 > 0.0 && q2 > 0.0 {
            add("volume", (q2 - q1) * r1 / q1);
            add("price", (r2 / q2 - r1 / q1) * q2);
            named += r2 - r1;
        } else if q2 > 0.0 {
            add("new_products", r2);
            named += r2;
        } else if q1 > 0.0 {
            add("dropped_products", -r1);
            named -= r1;
        }
    }
    let steps = [
        ("customers", vec!["before", "new", "returning", "grown", "unchanged", "shrunk", "lost", "after"]),
        ("products", vec!["before", "volume", "price", "new_products", "dropped_products", "other", "after"]),
    ];
    let rows: Vec<(&str, usize, &str)> = steps
        .iter()
        .flat_map(|(view, parts)| parts.iter().enumerate().map(move |(i, part)| (*view, i + 1, *part)))
        .collect();
    says(frame, "view", rows.iter().map(|r| r.0))?;
    holds(frame, "step", rows.iter().map(|r| r.1 as f64))?;
    says(frame, "part", rows.iter().map(|r| r.2))?;
    let amount = |part: &str| match part {
        "before" => revenue(0),
        "after" => revenue(1),
        "other" => revenue(1) - revenue(0) - named,
        part => money.get(part).copied().unwrap_or(0.0),
    };
    for (row, expected) in rows.iter().map(|r| amount(r.2)).enumerate() {
        let got = frame.n("amount")[row];
        ensure(
            (got - expected).abs() < 1e-6,
            &format!("amount of {}: {got} but expected {expected}", rows[row].2),
        )?;
    }
    let members = |part: &str| {
        if ["before", "after", "other"].contains(&part) {
            f64::NAN
        } else {
            parts.get(part).copied().unwrap_or(0.0)
        }
    };
    holds(frame, "members", rows.iter().map(|r| members(r.2)))?;
    let period = |part: &str| periods[usize::from(part != "before")];
    holds(frame, "period_start", rows.iter().map(|r| f64::from(period(r.2).0)))?;
    holds(frame, "period_end", rows.iter().map(|r| f64::from(period(r.2).1)))
}

pub fn offers(world: &World) -> Found {
    let frame = world.table("offers");
    let ids = frame.t("customer_id");
    ensure(
        ids.is_sorted() && ids.iter().all(|id| world.places().contains_key(id.as_str())),
        "customers in their order",
    )?;
    let place = |i: usize| ids[..=i].iter().rev().take_while(|id| **id == ids[i]).count();
    holds(frame, "offer_rank", (0..frame.rows).map(|i| place(i) as f64))?;
    ensure((0..frame.rows).all(|i| place(i) <= 4), "four to a customer, at most")?;
    let bought: BTreeSet<(&str, String)> = world
        .facts
        .lines
        .iter()
        .filter(|l| !l.is_return())
        .map(|l| (l.customer.as_str(), l.product()))
        .collect();
    for (i, id) in ids.iter().enumerate() {
        let had = bought.contains(&(id.as_str(), frame.t("product")[i].clone()));
        match frame.t("kind")[i].as_str() {
            "new" | "up_sell" => ensure(!had, "a new product was not bought yet")?,
            "again" => ensure(had, "what is bought again was bought")?,
            kind => return Err(format!("`{kind}` is no kind")),
        }
        ensure(!frame.t("reason")[i].is_empty() && frame.t("reason")[i].contains(' '), "a reason in words")?;
    }
    let called: BTreeMap<String, String> =
        world.facts.lines.iter().map(|l| (l.product(), name(l.product))).collect();
    says(
        frame,
        "product_name",
        frame.t("product").iter().map(|p| called.get(p).map_or("?", String::as_str)),
    )?;
    let p = frame.n("probability");
    ensure(p.iter().all(|p| (0.0..=1.0).contains(p)), "a probability")?;
    // What a product brings to an order that holds it.
    let brings = |name: &String, cost: bool| {
        let lines = world.facts.lines.iter().filter(|l| l.product() == *name);
        let orders: BTreeSet<&str> =
            lines.clone().filter(|l| !l.is_return()).map(|l| l.order.as_str()).collect();
        lines.map(|l| l.money() - if cost { l.cost() } else { 0.0 }).sum::<f64>() / orders.len() as f64
    };
    let each = |cost: bool| {
        (0..frame.rows).map(|i| p[i] * brings(&frame.t("product")[i], cost)).collect::<Vec<f64>>()
    };
    holds_about(frame, "expected_revenue", each(false), 1e-7)?;
    holds_about(frame, "expected_margin", each(true), 1e-7)?;
    // Within a kind a higher score is a higher probability.
    for kind in ["new", "again", "up_sell"] {
        let mut rows: Vec<usize> = (0..frame.rows).filter(|i| frame.t("kind")[*i] == kind).collect();
        rows.sort_by(|a, b| frame.n("score")[*a].total_cmp(&frame.n("score")[*b]));
        ensure(
            rows.windows(2).all(|w| p[w[0]] <= p[w[1]] + 1e-9),
            "the score ranks as the probability does",
        )?;
    }
    ensure((0..frame.rows).any(|i| !near(frame.n("score")[i], p[i], 0.01)), "a score is no probability")
}

pub fn offer_metrics(world: &World) -> Found {
    let frame = world.table("offer_metrics");
    let (customers, hits, rate) = (frame.n("customers"), frame.n("hits"), frame.n("hit_rate"));
    holds(frame, "hit_rate", (0..frame.rows).map(|i| hits[i] / customers[i]))?;
    ensure((0..frame.rows).all(|i| hits[i] <= customers[i]), "hits are some of the lists")?;
    ensure(
        (0..frame.rows).all(|i| frame.n("ndcg")[i] <= rate[i] + 1e-9 && frame.n("ndcg")[i] >= 0.0),
        "a hit far down counts less",
    )?;
    ensure((0..frame.rows).any(|i| frame.n("ndcg")[i] < 0.9 * rate[i]), "and some are far down")?;
    ensure(frame.t("task").iter().all(|t| t == "new" || t == "any"), "two tasks")?;
    ensure(frame.t("model").iter().any(|m| m == "most_popular"), "with a baseline")?;
    // Longer lists hit more.
    let mut lists: BTreeMap<(&String, &String), Vec<(f64, f64)>> = BTreeMap::new();
    for (i, hits) in hits.iter().enumerate() {
        let key = (&frame.t("task")[i], &frame.t("model")[i]);
        lists.entry(key).or_default().push((frame.n("list_length")[i], *hits));
    }
    ensure(
        lists.values().all(|l| l.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1) && l.len() > 1),
        "longer lists hit more",
    )
}

/// Weeks from Monday, numbered; 1970 began on a Thursday.
fn week(day: i32) -> i32 {
    (day + 3).div_euclid(7)
}

fn monday(week: i32) -> i32 {
    7 * week - 3
}

/// A cohort's period: customers with an order, orders, cents of revenue and of cost.
#[derive(Clone, Copy, Default)]
struct Cell {
    active: f64,
    orders: f64,
    revenue: i64,
    cost: i64,
}

type Cohorts = BTreeMap<(String, String, i32), (f64, BTreeMap<i32, Cell>)>;

/// Cohorts by split, group and week, each with its customers and their cells by week since.
fn cohorts_of(world: &World) -> Cohorts {
    let mut all = Cohorts::new();
    for lines in world.facts.customers(as_of().0).values() {
        let first = lines.iter().filter(|l| !l.is_return()).min_by_key(|l| l.day).unwrap();
        for (by, group) in [("all", ""), ("country", first.country)] {
            let (customers, cells) =
                all.entry((by.to_owned(), group.to_owned(), week(first.day))).or_default();
            *customers += 1.0;
            for line in lines {
                let cell = cells.entry(week(line.day) - week(first.day)).or_default();
                cell.revenue += line.amount;
                cell.cost += line.quantity * line.unit_cost;
            }
            let orders: BTreeSet<(&str, i32)> =
                lines.iter().filter(|l| !l.is_return()).map(|l| (l.order.as_str(), week(l.day))).collect();
            let active: BTreeSet<i32> = orders.iter().map(|o| o.1).collect();
            orders.iter().for_each(|o| cells.entry(o.1 - week(first.day)).or_default().orders += 1.0);
            active.iter().for_each(|w| cells.entry(w - week(first.day)).or_default().active += 1.0);
        }
    }
    all
}

pub fn cohorts(world: &World) -> Found {
    let frame = world.table("cohorts");
    let all = cohorts_of(world);
    let mut expected: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut put = |column: &'static str, value: f64| expected.entry(column).or_default().push(value);
    let mut seen = BTreeSet::new();
    for i in 0..frame.rows {
        let (by, group) = (frame.t("cohort_by")[i].clone(), frame.t("cohort_group")[i].clone());
        let (start, period) = (week(frame.n("cohort")[i] as i32), frame.n("period")[i] as i32);
        let key = (by, group, start);
        let (customers, cells) = all.get(&key).ok_or_else(|| format!("there is no cohort {key:?}"))?;
        let there = |v: f64| if monday(start + period) > as_of().0 { f64::NAN } else { v };
        let cell = cells.get(&period).copied().unwrap_or_default();
        let upto = cells.range(..=period).fold((0, 0), |sum, (_, c)| (sum.0 + c.revenue, sum.1 + c.cost));
        let cents = |v: i64| v as f64 / 100.0;
        put("cohort", f64::from(monday(start)));
        put("period_start", f64::from(monday(start + period)));
        put("customers", *customers);
        put("is_complete", there(f64::from(u8::from(monday(start + period + 1) <= as_of().0 + 1))));
        put("active_customers", there(cell.active));
        put("retention", there(cell.active / customers));
        put("orders", there(cell.orders));
        put("orders_per_customer", there(cell.orders / customers));
        put("net_revenue", there(cents(cell.revenue)));
        put("revenue_per_customer", there(cents(cell.revenue) / customers));
        put("cumulative_revenue_per_customer", there(cents(upto.0) / customers));
        put("margin", there(cents(cell.revenue - cell.cost)));
        put("margin_per_customer", there(cents(cell.revenue - cell.cost) / customers));
        put("cumulative_margin_per_customer", there(cents(upto.0 - upto.1) / customers));
        ensure(seen.insert((key, period)), "a cohort's period stands twice")?;
    }
    for (key, (_, cells)) in &all {
        ensure(cells.keys().all(|p| seen.contains(&(key.clone(), *p))), "a cohort's period is missing")?;
    }
    expected.into_iter().try_for_each(|(column, values)| holds_about(frame, column, values, 1e-7))
}

pub fn cohorts_wide(world: &World) -> Found {
    let frame = world.table("cohorts_wide");
    let all = cohorts_of(world);
    let measures = [
        "retention",
        "orders_per_customer",
        "revenue_per_customer",
        "cumulative_revenue_per_customer",
        "margin_per_customer",
        "cumulative_margin_per_customer",
    ];
    let mut distinct: Vec<&String> = frame.t("measure").iter().collect();
    distinct.sort();
    distinct.dedup();
    ensure(
        distinct.len() == measures.len() && frame.rows == measures.len() * all.len(),
        "a row for each cohort and measure",
    )?;
    let of = |i: usize| {
        let key = (
            frame.t("cohort_by")[i].clone(),
            frame.t("cohort_group")[i].clone(),
            week(frame.n("cohort")[i] as i32),
        );
        all.get(&key).map(|found| (key.2, found)).ok_or_else(|| format!("there is no cohort {key:?}"))
    };
    let rows = (0..frame.rows).map(of).collect::<Result<Vec<_>, String>>()?;
    holds(frame, "customers", rows.iter().map(|r| r.1 .0))?;
    holds(frame, "cohort", rows.iter().map(|r| f64::from(monday(r.0))))?;
    for period in 0..=36 {
        let value = |i: usize| {
            let (start, (customers, cells)) = &rows[i];
            if monday(start + period) > as_of().0 {
                return f64::NAN;
            }
            let cell = cells.get(&period).copied().unwrap_or_default();
            let upto = cells.range(..=period).fold((0, 0), |sum, (_, c)| (sum.0 + c.revenue, sum.1 + c.cost));
            let told = match frame.t("measure")[i].as_str() {
                "retention" => cell.active,
                "orders_per_customer" => cell.orders,
                "revenue_per_customer" => cell.revenue as f64 / 100.0,
                "cumulative_revenue_per_customer" => upto.0 as f64 / 100.0,
                "margin_per_customer" => (cell.revenue - cell.cost) as f64 / 100.0,
                _ => (upto.0 - upto.1) as f64 / 100.0,
            };
            told / customers
        };
        holds_about(frame, &format!("period_{period}"), (0..frame.rows).map(value), 1e-7)?;
    }
    Ok(())
}
