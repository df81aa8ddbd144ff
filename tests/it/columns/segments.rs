//! RFM and clusters.

use std::collections::BTreeMap;

use super::facts::{as_of, earlier, net, order_days, Facts, Line};
use super::{ensure, holds, holds_about, mean, near, quantile, says, Found, World};

const MEASURES: [&str; 3] = ["days_since_last", "orders", "net_revenue"];
const COMPARE_DAYS: i32 = 30;
/// The map of ten names, on recency and frequency.
const TEN: [[&str; 5]; 5] = [
    ["Hibernating", "Hibernating", "At risk", "At risk", "Can't lose"],
    ["Hibernating", "Hibernating", "At risk", "At risk", "Can't lose"],
    ["About to sleep", "About to sleep", "Need attention", "Loyal", "Loyal"],
    ["Promising", "Potential loyalists", "Potential loyalists", "Loyal", "Loyal"],
    ["New", "Potential loyalists", "Potential loyalists", "Champions", "Champions"],
];

/// The three measures of a customer as of a day.
fn measures(lines: &[&Line], day: i32) -> [f64; 3] {
    let orders: std::collections::BTreeSet<&str> =
        lines.iter().filter(|l| !l.is_return()).map(|l| l.order.as_str()).collect();
    [f64::from(day - order_days(lines).last().unwrap()), orders.len() as f64, net(lines)]
}

fn country(lines: &[&Line]) -> &'static str {
    // Customers of this shop have one country each.
    lines[0].country
}

/// Customers of a day by id: country and measures.
fn on(world: &World, day: i32) -> BTreeMap<String, (&'static str, [f64; 3])> {
    let customers = world.facts.customers(day);
    customers.iter().map(|(id, l)| ((*id).to_owned(), (country(l), measures(l, day)))).collect()
}

/// Breaks by country (empty for everyone) and measure: the fifths of customers of a day, of countries with sixty or more.
fn breaks_of(world: &World, day: i32) -> BTreeMap<String, [Vec<f64>; 3]> {
    let customers = on(world, day);
    let fifths = |who: &dyn Fn(&str) -> bool| {
        std::array::from_fn(|m| {
            let values: Vec<f64> = customers.values().filter(|c| who(c.0)).map(|c| c.1[m]).collect();
            (1..5).map(|k| quantile(&values, f64::from(k) / 5.0)).collect()
        })
    };
    let mut all = BTreeMap::from([(String::new(), fifths(&|_| true))]);
    for name in ["DE", "FR", "NL"] {
        if customers.values().filter(|c| c.0 == name).count() >= 60 {
            all.insert(name.to_owned(), fifths(&|c| c == name));
        }
    }
    all
}

/// Scores of a customer, 5 best.
fn score(breaks: &BTreeMap<String, [Vec<f64>; 3]>, country: &str, values: [f64; 3]) -> [usize; 3] {
    let own = breaks.get(country).unwrap_or(&breaks[""]);
    std::array::from_fn(|m| {
        let above = own[m].iter().filter(|b| **b < values[m]).count();
        if m == 0 {
            5 - above
        } else {
            1 + above
        }
    })
}

/// The segment of every customer of a day, by the breaks in use.
fn segments_on(world: &World, day: i32) -> BTreeMap<String, &'static str> {
    let breaks = breaks_of(world, earlier().0);
    let of = |c: &(&'static str, [f64; 3])| {
        let [r, f, _] = score(&breaks, c.0, c.1);
        TEN[r - 1][f - 1]
    };
    on(world, day).iter().map(|(id, c)| (id.clone(), of(c))).collect()
}

/// A table of customers with their sums; days are written the German way, numbers too.
pub fn sums(facts: &Facts) -> String {
    let mut text = "id;last;orders;revenue\n".to_owned();
    for (id, lines) in facts.customers(as_of().0) {
        let [silent, orders, revenue] = measures(&lines, as_of().0);
        let last = as_of() - silent as i32;
        let iso = last.to_string();
        let (y, rest) = iso.split_once('-').unwrap();
        let (m, d) = rest.split_once('-').unwrap();
        text += &format!("{id};{d}.{m}.{y};{orders};{}\n", format!("{revenue:.2}").replace('.', ","));
    }
    text
}

pub fn rfm_table(world: &World) -> Found {
    let frame = world.table("rfm_customers");
    let customers = on(world, as_of().0);
    says(frame, "customer_id", customers.keys())?;
    let fifths = |m: usize| -> Vec<f64> {
        let values: Vec<f64> = customers.values().map(|c| c.1[m]).collect();
        (1..5).map(|k| quantile(&values, f64::from(k) / 5.0)).collect()
    };
    let everyone = BTreeMap::from([(String::new(), std::array::from_fn(fifths))]);
    for (m, column) in MEASURES.into_iter().enumerate() {
        holds_about(frame, column, customers.values().map(|c| c.1[m]), 1e-9)?;
    }
    let scores: Vec<[usize; 3]> = customers.values().map(|c| score(&everyone, "", c.1)).collect();
    for (m, column) in ["r_score", "f_score", "m_score"].into_iter().enumerate() {
        holds(frame, column, scores.iter().map(|s| s[m] as f64))?;
    }
    says(frame, "rfm_score", scores.iter().map(|s| format!("{}{}{}", s[0], s[1], s[2])))?;
    says(frame, "rfm_segment", scores.iter().map(|s| TEN[s[0] - 1][s[1] - 1]))
}

pub fn scores(world: &World) -> Found {
    let frame = world.table("customers");
    let breaks = breaks_of(world, earlier().0);
    let scores: Vec<[usize; 3]> = on(world, as_of().0).values().map(|c| score(&breaks, c.0, c.1)).collect();
    for (m, column) in ["r_score", "f_score", "m_score"].into_iter().enumerate() {
        holds(frame, column, scores.iter().map(|s| s[m] as f64))?;
    }
    says(frame, "rfm_score", scores.iter().map(|s| format!("{}{}{}", s[0], s[1], s[2])))?;
    holds(
        frame,
        "rfm_weighted_score",
        scores.iter().map(|s| 0.5 * s[0] as f64 + 0.3 * s[1] as f64 + 0.2 * s[2] as f64),
    )?;
    let now = segments_on(world, as_of().0);
    let then = segments_on(world, as_of().0 - COMPARE_DAYS);
    says(frame, "rfm_segment", now.values())?;
    says(frame, "rfm_segment_before", now.keys().map(|id| then.get(id).copied().unwrap_or("")))?;
    // Rhythm by the customer's own gaps and the typical one of the night that the model is of.
    let of_then = world.facts.customers(earlier().0);
    let gap = |lines: &[&Line]| {
        let days = order_days(lines);
        f64::from(days[days.len() - 1] - days[0]) / (days.len() - 1) as f64
    };
    let known: Vec<f64> = of_then.values().map(|l| gap(l)).filter(|g| g.is_finite()).collect();
    let typical = quantile(&known, 0.5);
    let today = world.facts.customers(as_of().0);
    let rhythm = today.values().map(|lines| {
        let days = order_days(lines);
        // The customer's gaps, and the typical one as if it were one more.
        let x = days.len() as f64 - 1.0;
        let own = (f64::from(days[days.len() - 1] - days[0]) + typical) / (x + 1.0);
        match f64::from(as_of().0 - days[days.len() - 1]) / own {
            s if s > 3.0 => "lost",
            s if s > 1.5 => "lapsing",
            _ if days.len() > 1 => "active",
            _ => "new",
        }
    });
    says(frame, "buying_rhythm", rhythm)?;
    let orders: Vec<f64> = on(world, earlier().0).values().map(|c| c.1[1]).collect();
    let (medium, heavy) = (quantile(&orders, 0.5), quantile(&orders, 0.8));
    let class = on(world, as_of().0).into_values().map(|c| match c.1[1] {
        n if n > heavy => "heavy",
        n if n > medium => "medium",
        _ => "light",
    });
    says(frame, "buyer_class", class)?;
    cluster_scores(world)
}

/// Customers, orders, net revenue, and what they are a mean of, of those that belong.
fn group(world: &World, belongs: &dyn Fn(usize) -> bool) -> [f64; 4] {
    let mut sums = [0.0; 4];
    for (i, (_, [days, orders, revenue])) in on(world, as_of().0).into_values().enumerate() {
        if belongs(i) {
            sums[0] += 1.0;
            sums[1] += orders;
            sums[2] += revenue;
            sums[3] += days;
        }
    }
    sums
}

pub fn segments(world: &World) -> Found {
    let frame = world.table("segments");
    let now: Vec<&str> = segments_on(world, as_of().0).into_values().collect();
    let then = segments_on(world, as_of().0 - COMPARE_DAYS);
    let pairs: Vec<(Option<&str>, &str)> =
        segments_on(world, as_of().0).into_iter().map(|(id, s)| (then.get(&id).copied(), s)).collect();
    let names = frame.t("rfm_segment");
    let all = group(world, &|_| true);
    let sums: Vec<[f64; 4]> = names.iter().map(|name| group(world, &|i| now[i] == name)).collect();
    ensure(sums.iter().map(|s| s[0]).sum::<f64>() == all[0], "customers are missing")?;
    holds(frame, "customers", sums.iter().map(|s| s[0]))?;
    holds(frame, "customer_share", sums.iter().map(|s| s[0] / all[0]))?;
    holds(frame, "orders", sums.iter().map(|s| s[1]))?;
    holds(frame, "net_revenue", sums.iter().map(|s| s[2]))?;
    holds(frame, "revenue_share", sums.iter().map(|s| s[2] / all[2]))?;
    holds(frame, "mean_days_since_last", sums.iter().map(|s| s[3] / s[0]))?;
    holds(frame, "mean_orders", sums.iter().map(|s| s[1] / s[0]))?;
    holds(frame, "mean_net_revenue", sums.iter().map(|s| s[2] / s[0]))?;
    let count = |f: &dyn Fn(&str, Option<&str>, &str) -> bool| {
        names
            .iter()
            .map(|n| pairs.iter().filter(|(then, now)| f(n, *then, now)).count() as f64)
            .collect::<Vec<_>>()
    };
    holds(frame, "customers_before", count(&|n, then, _| then == Some(n)))?;
    holds(frame, "entered", count(&|n, then, now| now == n && then != Some(n)))?;
    holds(frame, "left", count(&|n, then, now| then == Some(n) && now != n))
}

pub fn migration(world: &World) -> Found {
    let frame = world.table("segment_migration");
    let then = segments_on(world, as_of().0 - COMPARE_DAYS);
    let customers = on(world, as_of().0);
    let mut ways: BTreeMap<(&str, &str), (f64, f64)> = BTreeMap::new();
    let mut sizes: BTreeMap<&str, f64> = BTreeMap::new();
    for (id, now) in segments_on(world, as_of().0) {
        let before = then.get(&id).copied().unwrap_or("");
        let way = ways.entry((before, now)).or_default();
        way.0 += 1.0;
        way.1 += customers[&id].1[2];
        *sizes.entry(before).or_default() += 1.0;
    }
    let rows: Vec<(&str, &str)> = (0..frame.rows)
        .map(|i| (frame.t("segment_before")[i].as_str(), frame.t("segment")[i].as_str()))
        .collect();
    ensure(rows.len() == ways.len() && rows.iter().all(|r| ways.contains_key(r)), "other ways than these")?;
    holds(frame, "customers", rows.iter().map(|r| ways[r].0))?;
    holds(
        frame,
        "share_of_before",
        rows.iter().map(|r| if r.0.is_empty() { f64::NAN } else { ways[r].0 / sizes[r.0] }),
    )?;
    holds(frame, "net_revenue", rows.iter().map(|r| ways[r].1))?;
    holds(frame, "as_of_before", rows.iter().map(|_| f64::from(as_of().0 - COMPARE_DAYS)))?;
    holds(frame, "as_of", rows.iter().map(|_| f64::from(as_of().0)))
}

pub fn history(world: &World) -> Found {
    let frame = world.table("segment_history");
    let days = frame.n("as_of");
    let mut distinct = days.to_vec();
    distinct.dedup();
    ensure(distinct.len() >= 12 && distinct.is_sorted(), "a year of month ends")?;
    let mut expected = [Vec::new(), Vec::new(), Vec::new()];
    for (i, day) in days.iter().enumerate() {
        let segments = segments_on(world, *day as i32);
        let customers = on(world, *day as i32);
        let own: Vec<&String> =
            segments.iter().filter(|(_, s)| **s == frame.t("rfm_segment")[i]).map(|(id, _)| id).collect();
        expected[0].push(own.len() as f64);
        expected[1].push(own.len() as f64 / customers.len() as f64);
        expected[2].push(own.iter().map(|id| customers[*id].1[2]).sum());
    }
    let [customers, share, revenue] = expected;
    holds(frame, "customers", customers)?;
    holds(frame, "customer_share", share)?;
    holds(frame, "net_revenue", revenue)
}

pub fn groups(world: &World) -> Found {
    let frame = world.table("segment_groups");
    let customers = on(world, as_of().0);
    let segments = segments_on(world, as_of().0);
    let own = breaks_of(world, earlier().0);
    let rows: Vec<(&str, &str)> = (0..frame.rows)
        .map(|i| (frame.t("customer_group")[i].as_str(), frame.t("rfm_segment")[i].as_str()))
        .collect();
    let of = |row: &(&str, &str)| {
        let members = customers.iter().filter(|(id, c)| c.0 == row.0 && segments[*id] == row.1);
        members.fold((0.0, 0.0), |(n, sum), (_, c)| (n + 1.0, sum + c.1[2]))
    };
    let size = |name: &str| customers.values().filter(|c| c.0 == name).count() as f64;
    ensure(rows.iter().map(|r| of(r).0).sum::<f64>() == customers.len() as f64, "customers are missing")?;
    holds(frame, "customers", rows.iter().map(|r| of(r).0))?;
    holds(frame, "net_revenue", rows.iter().map(|r| of(r).1))?;
    holds(frame, "share_of_group", rows.iter().map(|r| of(r).0 / size(r.0)))?;
    ensure(own.len() == 3, "one country is to be too small for breaks of its own")?;
    holds(frame, "own_breaks", rows.iter().map(|r| f64::from(u8::from(own.contains_key(r.0)))))
}

pub fn breaks(world: &World) -> Found {
    let frame = world.table("rfm_breaks");
    let (used, fresh) = (breaks_of(world, earlier().0), breaks_of(world, as_of().0));
    let at = |breaks: &BTreeMap<String, [Vec<f64>; 3]>, i: usize| {
        let m = MEASURES.iter().position(|m| *m == frame.t("measure")[i])?;
        breaks.get(&frame.t("customer_group")[i])?[m].get(frame.n("break_number")[i] as usize - 1).copied()
    };
    let each = |breaks| (0..frame.rows).map(|i| at(breaks, i).unwrap_or(f64::NAN)).collect::<Vec<_>>();
    ensure(frame.rows == 3 * 4 * used.len(), "a row for each break")?;
    holds(frame, "break_value", each(&used))?;
    holds(frame, "fresh_value", each(&fresh))?;
    says(frame, "within", (0..frame.rows).map(|_| ""))?;
    ensure(
        (0..frame.rows).all(|i| at(&used, i).is_some()),
        "a measure, a group and a number that there are",
    )?;
    holds(frame, "fitted_as_of", (0..frame.rows).map(|_| f64::from(earlier().0)))
}

/// Points of the scaled features, customers by row, by the scaling in the model's file.
fn points(world: &World) -> Vec<Vec<f64>> {
    let customers = world.table("customers");
    let features = world.cluster["parameters"]["scaling"].as_array().unwrap();
    let number = |f: &serde_json::Value, key: &str| f[key].as_f64().unwrap();
    let columns: Vec<Vec<f64>> = features
        .iter()
        .map(|f| {
            let soft = |v: f64| v.signum() * (v.abs() / number(f, "unit")).ln_1p();
            let values = customers.n(f["name"].as_str().unwrap());
            values.iter().map(|v| (soft(*v) - number(f, "centre")) / number(f, "spread")).collect()
        })
        .collect();
    (0..customers.rows).map(|i| columns.iter().map(|c| c[i]).collect()).collect()
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

fn centre<'a>(points: impl Iterator<Item = &'a Vec<f64>> + Clone) -> Vec<f64> {
    let d = points.clone().next().map_or(0, Vec::len);
    (0..d).map(|j| mean(points.clone().map(|p| p[j]))).collect()
}

/// Clusters by id with the rows of their customers.
fn members(world: &World) -> BTreeMap<usize, Vec<usize>> {
    let mut all: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    world
        .table("customers")
        .n("cluster_id")
        .iter()
        .enumerate()
        .for_each(|(i, c)| all.entry(*c as usize).or_default().push(i));
    all
}

fn cluster_scores(world: &World) -> Found {
    let frame = world.table("customers");
    let points = points(world);
    let members = members(world);
    let centres: BTreeMap<usize, Vec<f64>> =
        members.iter().map(|(c, rows)| (*c, centre(rows.iter().map(|i| &points[*i])))).collect();
    // Each customer is nearest to the centre of its own cluster, and a cluster has one name.
    let nearest =
        |p: &Vec<f64>| *centres.iter().min_by(|a, b| squared(p, a.1).total_cmp(&squared(p, b.1))).unwrap().0;
    ensure(centres.len() >= 3, "three clusters at least")?;
    holds(frame, "cluster_id", points.iter().map(|p| nearest(p) as f64))?;
    let clusters = world.table("clusters");
    let name = |id: f64| {
        clusters
            .n("cluster_id")
            .iter()
            .position(|c| *c == id)
            .map_or("?", |i| clusters.t("cluster_name")[i].as_str())
    };
    says(frame, "cluster_name", frame.n("cluster_id").iter().map(|id| name(*id)))?;
    // Principal components: the first has the most variance that a direction can have, and the two do not correlate.
    let (x, y) = (frame.n("cluster_map_x"), frame.n("cluster_map_y"));
    let origin = centre(points.iter());
    let d = origin.len();
    let n = points.len() as f64;
    let covariance: Vec<Vec<f64>> = (0..d)
        .map(|a| {
            (0..d)
                .map(|b| points.iter().map(|p| (p[a] - origin[a]) * (p[b] - origin[b])).sum::<f64>() / n)
                .collect()
        })
        .collect();
    let mut axis = vec![1.0; d];
    let mut largest = 0.0;
    for _ in 0..2_000 {
        let next: Vec<f64> =
            covariance.iter().map(|row| row.iter().zip(&axis).map(|(c, a)| c * a).sum()).collect();
        largest = next.iter().map(|v| v * v).sum::<f64>().sqrt();
        axis = next.iter().map(|v| v / largest).collect();
    }
    let variance = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>() / n;
    ensure(near(variance(x), largest, 1e-6), "the first component has the largest variance")?;
    ensure(variance(y) < variance(x), "the second has less")?;
    ensure(x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>().abs() / n < 1e-6, "they do not correlate")?;
    // Only a mixture gives probabilities: with them a customer is in the cluster that is likeliest.
    holds(frame, "cluster_probability", (0..frame.rows).map(|_| f64::NAN))?;
    let mixture = world.table("mixture: customers");
    let p = mixture.n("cluster_probability");
    let k = mixture.n("cluster_id").iter().fold(0.0, |a: f64, b| a.max(*b));
    ensure(p.iter().all(|p| *p >= 1.0 / k && *p <= 1.0) && p.iter().any(|p| *p < 0.999), "the likeliest of k")
}

pub fn clusters(world: &World) -> Found {
    let frame = world.table("clusters");
    let customers = world.table("customers");
    let members = members(world);
    holds(frame, "cluster_id", members.keys().map(|c| *c as f64))?;
    says(frame, "cluster_name", members.values().map(|rows| customers.t("cluster_name")[rows[0]].as_str()))?;
    let sum = |rows: &[usize], column: &str| rows.iter().map(|i| customers.n(column)[*i]).sum::<f64>();
    let n = customers.rows as f64;
    let total: f64 = customers.n("net_revenue").iter().sum();
    holds(frame, "customers", members.values().map(|r| r.len() as f64))?;
    holds(frame, "customer_share", members.values().map(|r| r.len() as f64 / n))?;
    holds(frame, "net_revenue", members.values().map(|r| sum(r, "net_revenue")))?;
    holds(frame, "revenue_share", members.values().map(|r| sum(r, "net_revenue") / total))?;
    for column in ["days_since_last", "orders", "net_revenue", "avg_order_value", "tenure_days"] {
        holds(frame, &format!("mean_{column}"), members.values().map(|r| sum(r, column) / r.len() as f64))?;
    }
    Ok(())
}

pub fn profiles(world: &World) -> Found {
    let frame = world.table("cluster_profiles");
    let customers = world.table("customers");
    let members = members(world);
    let points = points(world);
    let features: Vec<&str> = world.cluster["parameters"]["scaling"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap())
        .collect();
    ensure(frame.rows == members.len() * features.len(), "a row for each cluster and feature")?;
    let of = |i: usize| -> Option<(Vec<f64>, &[f64], f64)> {
        let rows = members.get(&(frame.n("cluster_id")[i] as usize))?;
        let place = features.iter().position(|f| *f == frame.t("feature")[i])?;
        let all = customers.n(features[place]);
        let standing = mean(rows.iter().map(|r| points[*r][place]));
        Some((rows.iter().map(|r| all[*r]).collect(), all, standing))
    };
    let rows: Vec<_> =
        (0..frame.rows).map(of).collect::<Option<Vec<_>>>().ok_or("no such cluster or feature")?;
    holds(frame, "mean", rows.iter().map(|r| mean(r.0.iter().copied())))?;
    holds(frame, "median", rows.iter().map(|r| quantile(&r.0, 0.5)))?;
    holds(frame, "overall_mean", rows.iter().map(|r| mean(r.1.iter().copied())))?;
    holds(
        frame,
        "index_100",
        rows.iter().map(|r| 100.0 * mean(r.0.iter().copied()) / mean(r.1.iter().copied())),
    )?;
    holds_about(frame, "standard_deviations", rows.iter().map(|r| r.2), 1e-6)?;
    let clusters = world.table("clusters");
    let name = |id: f64| {
        clusters.n("cluster_id").iter().position(|c| *c == id).map(|i| clusters.t("cluster_name")[i].as_str())
    };
    says(frame, "cluster_name", frame.n("cluster_id").iter().map(|id| name(*id).unwrap_or("?")))?;
    // The mark is the place by how far the cluster stands out.
    let place = |i: usize| {
        let own = |j: &usize| frame.n("cluster_id")[*j] == frame.n("cluster_id")[i];
        let farther = |j: &usize| rows[*j].2.abs() > rows[i].2.abs();
        1 + (0..frame.rows).filter(own).filter(farther).count()
    };
    holds(frame, "mark", (0..frame.rows).map(|i| place(i) as f64))
}

pub fn cluster_rules(world: &World) -> Found {
    let frame = world.table("cluster_rules");
    let customers = world.table("customers");
    let members = members(world);
    // A rule is an `and` of comparisons of columns with numbers.
    let meets = |rule: &str, i: usize| -> Option<bool> {
        let mut all = true;
        for part in rule.split(" and ") {
            let mut words: Vec<&str> = part.split(' ').collect();
            if words.len() == 5 && words[1] == "<" {
                // A range: low < column <= high.
                let low: f64 = words[0].parse().ok()?;
                all &= customers.numbers.get(words[2])?[i] > low;
                words = words[2..].to_vec();
            }
            let value = customers.numbers.get(*words.first()?)?[i];
            let bound: f64 = words.get(2)?.parse().ok()?;
            all &= match *words.get(1)? {
                "<=" => value <= bound,
                ">" => value > bound,
                _ => return None,
            };
        }
        Some(all)
    };
    let mut expected = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for i in 0..frame.rows {
        let own = members.get(&(frame.n("cluster_id")[i] as usize)).ok_or("no such cluster")?;
        let held: Vec<usize> = (0..customers.rows)
            .map(|c| meets(&frame.t("rule")[i], c).map(|m| (c, m)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| format!("cannot read the rule `{}`", frame.t("rule")[i]))?
            .into_iter()
            .filter(|m| m.1)
            .map(|m| m.0)
            .collect();
        let hits = held.iter().filter(|c| own.contains(c)).count() as f64;
        expected[0].push(held.len() as f64);
        expected[1].push(hits);
        expected[2].push(hits / held.len() as f64);
        expected[3].push(hits / own.len() as f64);
    }
    let [held, hits, precision, coverage] = expected;
    // Thresholds are written to six digits: a customer at the border may fall on the other side.
    holds_about(frame, "customers", held, 0.05)?;
    holds_about(frame, "in_cluster", hits, 0.05)?;
    holds_about(frame, "precision", precision, 0.05)?;
    holds_about(frame, "coverage", coverage, 0.05)?;
    ensure(
        frame.n("in_cluster").iter().zip(frame.n("customers")).all(|(hits, all)| hits <= all),
        "hits are some of all",
    )
}

pub fn choice(world: &World) -> Found {
    let frame = world.table("cluster_choice");
    let (points, members) = (points(world), members(world));
    let k = members.len();
    holds(frame, "place", (1..=frame.rows).map(|p| p as f64))?;
    holds(frame, "customers", (0..frame.rows).map(|_| points.len() as f64))?;
    let mut tried = frame.n("k").to_vec();
    tried.sort_by(f64::total_cmp);
    ensure(tried == [3.0, 4.0, 5.0] && frame.n("k")[0] == k as f64, "from 3 to 5, the chosen one first")?;
    // What the chosen one's figures are, from the customers' clusters.
    let label: Vec<usize> =
        (0..points.len()).map(|i| *members.iter().find(|m| m.1.contains(&i)).unwrap().0).collect();
    let centres: BTreeMap<usize, Vec<f64>> =
        members.iter().map(|(c, rows)| (*c, centre(rows.iter().map(|i| &points[*i])))).collect();
    let within: f64 = points.iter().zip(&label).map(|(p, c)| squared(p, &centres[c])).sum();
    let overall = centre(points.iter());
    let between: f64 =
        members.iter().map(|(c, rows)| rows.len() as f64 * squared(&centres[c], &overall)).sum();
    let n = points.len() as f64;
    let silhouette = mean((0..points.len()).map(|i| {
        let apart = |c: usize| {
            let rows = members[&c].iter().filter(|j| **j != i);
            mean(rows.map(|j| squared(&points[i], &points[*j]).sqrt()))
        };
        let own = apart(label[i]);
        let other =
            members.keys().filter(|c| **c != label[i]).map(|c| apart(*c)).fold(f64::INFINITY, f64::min);
        if members[&label[i]].len() == 1 {
            0.0
        } else {
            (other - own) / own.max(other)
        }
    }));
    let scatter = |c: &usize| mean(members[c].iter().map(|i| squared(&points[*i], &centres[c]).sqrt()));
    let davies = mean(members.keys().map(|a| {
        let worst = members.keys().filter(|b| *b != a);
        worst
            .map(|b| (scatter(a) + scatter(b)) / squared(&centres[a], &centres[b]).sqrt())
            .fold(0.0, f64::max)
    }));
    for (column, expected) in [
        ("inertia", within),
        ("silhouette", silhouette),
        ("calinski_harabasz", between / (k as f64 - 1.0) / (within / (n - k as f64))),
        ("davies_bouldin", davies),
    ] {
        ensure(
            near(frame.n(column)[0], expected, 1e-3),
            &format!("{column}: {} but expected {expected}", frame.n(column)[0]),
        )?;
    }
    // Gaps lie against random data, which is made inside the program: by number of clusters they stand in the model's file too.
    let tried = world.cluster["report"]["tried"].as_array().unwrap();
    let told = |k: f64| tried.iter().find(|t| t["k"].as_f64() == Some(k)).and_then(|t| t["gap"].as_f64());
    holds(frame, "gap", frame.n("k").iter().map(|k| told(*k).unwrap_or(f64::NAN)))?;
    // By stability the most stable is chosen; the gap's error is small against what a cluster more gains.
    let stability = frame.n("stability");
    ensure(
        stability.is_sorted_by(|a, b| a >= b) && stability.iter().all(|s| (-1.0..=1.0).contains(s)),
        "the most stable first",
    )?;
    ensure(
        frame.n("gap").iter().zip(frame.n("gap_error")).all(|(g, e)| *e > 0.0 && *e < 0.2 * g),
        "gaps have small errors",
    )?;
    holds(frame, "mixture_bic", (0..frame.rows).map(|_| f64::NAN))?;
    let mixture = world.table("mixture: cluster_choice");
    // Schwarz's criterion is of the size of the number of customers, and the least is the choice.
    let bic = mixture.n("mixture_bic");
    ensure(
        bic.is_sorted() && bic.iter().all(|b| b.abs() > points.len() as f64),
        "the least of the mixtures first",
    )
}

pub fn drift(world: &World) -> Found {
    let frame = world.table("cluster_drift");
    let members = members(world);
    let clusters = world.table("clusters");
    let name = |id: f64| {
        clusters.n("cluster_id").iter().position(|c| *c == id).map(|i| clusters.t("cluster_name")[i].clone())
    };
    let n = world.table("customers").rows as f64;
    let now = |id: f64| members.get(&(id as usize)).map_or(0.0, |m| m.len() as f64);
    let ids = frame.n("cluster_id");
    holds(frame, "customers", ids.iter().map(|id| now(*id)))?;
    ensure(
        (0..frame.rows).all(|i| name(ids[i]).is_none_or(|name| name == frame.t("cluster_name")[i])),
        "a cluster has its name",
    )?;
    ensure(
        frame.t("status").iter().all(|s| ["kept", "new", "gone"].contains(&s.as_str())),
        "kept, new or gone",
    )?;
    // The last run's model puts every customer somewhere, and those in both are some of either.
    let (last, both) = (frame.n("customers_by_last"), frame.n("customers_in_both"));
    ensure(near(last.iter().sum(), n, 1e-12), "everyone is in a cluster of the last model")?;
    ensure(
        (0..frame.rows).all(|i| both[i] <= last[i] && both[i] <= frame.n("customers")[i]),
        "both is part of each",
    )?;
    ensure((0..frame.rows).any(|i| both[i] < last[i]), "some customers moved")
}

/// The chi-squared distribution above a point: its density, summed by Simpson's rule.
fn chi_squared_above(x: f64, freedom: usize) -> f64 {
    let k = freedom as f64 / 2.0;
    // The gamma function of half numbers, by steps of one.
    let mut gamma = if freedom.is_multiple_of(2) { 1.0 } else { std::f64::consts::PI.sqrt() };
    let mut at = if freedom.is_multiple_of(2) { 1.0 } else { 0.5 };
    while at < k {
        gamma *= at;
        at += 1.0;
    }
    let density = |v: f64| v.powf(k - 1.0) * (-v / 2.0).exp() / (2f64.powf(k) * gamma);
    let (steps, width) = (40_000, 200.0 / 40_000.0);
    let weight = |i: usize| {
        if i == 0 || i == steps {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    (0..=steps).map(|i| weight(i) * density(x + i as f64 * width)).sum::<f64>() * width / 3.0
}

pub fn drift_of_customers(world: &World) -> Found {
    let frame = world.table("drift");
    let (before, now) = (world.table("before: customers"), world.table("customers"));
    let columns = [
        "days_since_last",
        "orders",
        "net_revenue",
        "avg_order_value",
        "mean_gap_days",
        "tenure_days",
        "distinct_products",
    ];
    says(frame, "column", columns)?;
    let rows = columns.len();
    holds(frame, "reference_as_of", vec![f64::from(super::facts::long_before().0); rows])?;
    holds(frame, "reference_customers", vec![before.rows as f64; rows])?;
    holds(frame, "customers", vec![now.rows as f64; rows])?;
    let (n, m) = (before.rows as f64, now.rows as f64);
    let [mut psi, mut unchanged, mut p_value, mut distance] = [const { Vec::new() }; 4];
    for column in columns {
        let mut sorted: Vec<f64> = before.n(column).iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        // A value's bin is how many of the tenths lie below it; those without one have their own.
        let tenths: Vec<f64> = (1..10).map(|i| sorted[i * sorted.len() / 10 - 1]).collect();
        let largest = sorted[sorted.len() - 1];
        let mut ends: Vec<f64> = tenths.into_iter().filter(|t| *t < largest).collect();
        ends.dedup();
        let bin = |v: f64| if v.is_nan() { 99 } else { ends.iter().filter(|end| **end < v).count() };
        let share =
            |frame: &super::Frame, b: usize| frame.n(column).iter().filter(|v| bin(**v) == b).count() as f64;
        let bins: Vec<(f64, f64)> =
            (0..100).map(|b| (share(before, b), share(now, b))).filter(|(x, y)| x + y > 0.0).collect();
        // A half more in every bin, where one of them has nobody of one side.
        let half = if bins.iter().any(|(x, y)| x * y == 0.0) { 0.5 } else { 0.0 };
        let in_all = half * bins.len() as f64;
        let shares = bins.iter().map(|(x, y)| ((x + half) / (n + in_all), (y + half) / (m + in_all)));
        let index: f64 = shares.map(|(p, q)| (q - p) * (q / p).ln()).sum();
        let mut below = 0.0;
        let gaps = bins.iter().map(|(x, y)| {
            below += y / m - x / n;
            f64::abs(below)
        });
        distance.push(gaps.fold(0.0, f64::max));
        psi.push(index);
        unchanged.push((1.0 / n + 1.0 / m) * (bins.len() - 1) as f64);
        p_value.push(chi_squared_above(index / (1.0 / n + 1.0 / m), bins.len() - 1));
    }
    holds(frame, "psi", psi)?;
    holds(frame, "psi_unchanged", unchanged)?;
    super::holds_about(frame, "p_value", p_value.clone(), 1e-6)?;
    // The smallest of all counts for all of them, the next for one less, and none is below one that came before.
    let adjusted: Vec<f64> = p_value
        .iter()
        .map(|p| {
            let smaller = p_value.iter().filter(|q| *q <= p);
            let rank = |q: &f64| p_value.iter().filter(|r| *r < q).count();
            smaller.map(|q| q * (rows - rank(q)) as f64).fold(0.0, f64::max).min(1.0)
        })
        .collect();
    super::holds_about(frame, "p_adjusted", adjusted.clone(), 1e-6)?;
    holds(frame, "distance", distance.clone())?;
    let alarm = |i: usize| f64::from(u8::from(adjusted[i] < 0.01 && distance[i] >= 0.05));
    holds(frame, "alarm", (0..rows).map(alarm))
}
