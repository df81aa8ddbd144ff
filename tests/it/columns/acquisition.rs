//! Funnels and channels: logs that are made here, and what they come to by the definitions.

use std::collections::{BTreeMap, BTreeSet};

use tillwise_core::Day;

use super::facts::{Draw, FIRST};
use super::{ensure, holds, holds_about, normal_above, normal_cdf, says, Found, Frame, World};

pub const STAGES: [&str; 4] = ["visit", "offer", "talk", "deal"];
const HORIZON: f64 = 20.0;
const MINUTES_A_DAY: i64 = 1440;
const Z: f64 = 1.959_963_984_540_054;

/// Who, when (in minutes), and what.
pub struct Lead {
    id: String,
    minute: i64,
    stage: usize,
    source: &'static str,
    place: &'static str,
}

fn moment(minute: i64) -> String {
    let day = Day(FIRST + minute.div_euclid(MINUTES_A_DAY) as i32);
    let left = minute.rem_euclid(MINUTES_A_DAY);
    format!("{day} {:02}:{:02}", left / 60, left % 60)
}

pub fn leads() -> Vec<Lead> {
    let mut draw = Draw(21);
    let mut leads = Vec::new();
    for person in 0..260 {
        let source = ["fair", "web", "web", "friend"][draw.below(4)];
        let place = ["north/coast", "north/hills", "south"][draw.below(3)];
        let mut minute = draw.below(100 * 1440) as i64;
        let mut event =
            |minute, stage| leads.push(Lead { id: format!("l{person}"), minute, stage, source, place });
        for stage in 0..STAGES.len() {
            // Some stages leave no trace, some leave two.
            if draw.below(9) > 0 || stage == 0 && draw.below(3) > 0 {
                event(minute, stage);
            }
            if draw.below(8) == 0 {
                event(minute + 700, stage.saturating_sub(draw.below(2)));
            }
            let goes_on = if source == "friend" { 9 } else { 5 };
            if draw.below(10) >= goes_on {
                break;
            }
            minute += 60 + draw.below(24 * 1440) as i64;
        }
    }
    // The log ends before some of it is known.
    leads.retain(|l| l.minute < 110 * MINUTES_A_DAY);
    leads
}

/// The log as a file, with lines that cannot be used.
pub fn leads_export() -> String {
    let mut text = "who,at,what,source,place\n".to_owned();
    for (i, l) in leads().iter().enumerate() {
        text.push_str(&format!(
            "{},{},{},{},{}\n",
            l.id,
            moment(l.minute),
            STAGES[l.stage],
            l.source,
            l.place
        ));
        match i {
            10 => text.push_str(",2022-01-05 10:00,visit,web,south\n"),
            20 => text.push_str("l1,,visit,web,south\nl1,soon,visit,web,south\n"),
            30 => text.push_str("l1,2022-01-05 10:00,refund,web,south\n"),
            _ => {}
        }
    }
    text
}

/// The interval that Wilson's test does not reject: the roots of (p - q)^2 = z^2 q (1 - q) / n.
fn wilson(part: f64, n: f64) -> (f64, f64) {
    let p = part / n;
    let (a, b, c) = (1.0 + Z * Z / n, -(2.0 * p + Z * Z / n), p * p);
    let root = (b * b - 4.0 * a * c).sqrt();
    (((-b - root) / (2.0 * a)).max(0.0), ((-b + root) / (2.0 * a)).min(1.0))
}

/// A curve of those who wait: time, at risk, through, share that waits, and Greenwood's sum up to it.
fn waiting(spans: &[(f64, bool)]) -> Vec<(f64, f64, f64, f64, f64)> {
    let mut times: Vec<f64> = spans.iter().map(|s| s.0).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let (mut share, mut sum) = (1.0, 0.0);
    let of = |t: f64| {
        let at_risk = spans.iter().filter(|s| s.0 >= t).count() as f64;
        let through = spans.iter().filter(|s| s.0 == t && s.1).count() as f64;
        share *= 1.0 - through / at_risk;
        if at_risk > through {
            sum += through / (at_risk * (at_risk - through));
        }
        (t, at_risk, through, share, sum)
    };
    times.into_iter().map(of).collect()
}

/// What belongs to each name.
fn named<'a, T>(names: &[String], all: &'a BTreeMap<String, T>) -> Result<Vec<&'a T>, String> {
    names.iter().map(|name| all.get(name).ok_or_else(|| format!("there is no {name}"))).collect()
}

/// Holm's adjustment by its definition.
fn holm(p: &[f64]) -> Vec<f64> {
    let made: Vec<f64> = p.iter().copied().filter(|p| !p.is_nan()).collect();
    let rank = |q: f64| made.iter().filter(|r| **r < q).count();
    let one = |p: f64| {
        made.iter().filter(|q| **q <= p).map(|q| q * (made.len() - rank(*q)) as f64).fold(0.0, f64::max)
    };
    p.iter().map(|p| if p.is_nan() { f64::NAN } else { one(*p).min(1.0) }).collect()
}

/// The logged events of each person, and when each stage was reached: the first time at it or a later one.
fn people() -> BTreeMap<String, (Vec<Lead>, Vec<Option<i64>>)> {
    let mut people: BTreeMap<String, (Vec<Lead>, Vec<Option<i64>>)> = BTreeMap::new();
    for lead in leads() {
        people.entry(lead.id.clone()).or_default().0.push(lead);
    }
    for (events, reached) in people.values_mut() {
        let first = |k: usize| events.iter().filter(|e| e.stage >= k).map(|e| e.minute).min();
        *reached = (0..STAGES.len()).map(first).collect();
    }
    people
}

fn end() -> i64 {
    leads().iter().map(|l| l.minute).max().unwrap()
}

fn days(minutes: i64) -> f64 {
    minutes as f64 / MINUTES_A_DAY as f64
}

pub fn funnel(world: &World) -> Found {
    let frame = world.table("funnel");
    let people = people();
    let mut groups: Vec<(String, String, Vec<&String>)> =
        vec![("all".into(), String::new(), people.keys().collect())];
    let mut add = |by: &str, of: &dyn Fn(&str) -> Vec<String>| {
        let names: BTreeSet<String> = people.keys().flat_map(|id| of(id)).collect();
        for name in names {
            let own = people.keys().filter(|id| of(id).contains(&name)).collect();
            groups.push((by.to_owned(), name, own));
        }
    };
    add("source", &|id| vec![people[id].0[0].source.to_owned()]);
    add("place", &|id| {
        let place = people[id].0[0].place;
        place.split('/').next().map(str::to_owned).into_iter().chain([place.to_owned()]).collect()
    });
    add("cohort", &|id| people[id].1[0].map(|m| moment(m)[..7].to_owned()).into_iter().collect());
    let n = STAGES.len();
    let rows: Vec<(usize, usize)> = (0..groups.len()).flat_map(|g| (0..n).map(move |s| (g, s))).collect();
    says(frame, "by", rows.iter().map(|(g, _)| &groups[*g].0))?;
    says(frame, "group", rows.iter().map(|(g, _)| &groups[*g].1))?;
    holds(frame, "place", rows.iter().map(|(_, s)| *s as f64 + 1.0))?;
    says(frame, "stage", rows.iter().map(|(_, s)| STAGES[*s]))?;
    let reached =
        |g: usize, s: usize| groups[g].2.iter().filter(|id| people[**id].1[s].is_some()).count() as f64;
    let own = |id: &String, s: usize| people[id].0.iter().any(|e| e.stage == s);
    holds(frame, "people", rows.iter().map(|(g, s)| reached(*g, *s)))?;
    holds(
        frame,
        "skipped",
        rows.iter().map(|(g, s)| {
            groups[*g].2.iter().filter(|id| people[**id].1[*s].is_some() && !own(id, *s)).count() as f64
        }),
    )?;
    let previous = |g: usize, s: usize| if s == 0 { f64::NAN } else { reached(g, s - 1) };
    let left = |(g, s): &(usize, usize)| if *s == 0 { 0.0 } else { previous(*g, *s) - reached(*g, *s) };
    holds(frame, "not_through", rows.iter().map(left))?;
    holds(frame, "from_previous", rows.iter().map(|(g, s)| reached(*g, *s) / previous(*g, *s)))?;
    let interval = |(g, s): &(usize, usize)| wilson(reached(*g, *s), previous(*g, *s));
    holds_about(
        frame,
        "from_previous_low",
        rows.iter().map(|r| if r.1 == 0 { f64::NAN } else { interval(r).0 }),
        1e-7,
    )?;
    holds_about(
        frame,
        "from_previous_high",
        rows.iter().map(|r| if r.1 == 0 { f64::NAN } else { interval(r).1 }),
        1e-7,
    )?;
    holds(frame, "from_first", rows.iter().map(|(g, s)| reached(*g, *s) / reached(*g, 0)))?;
    let interval = |(g, s): &(usize, usize)| wilson(reached(*g, *s), reached(*g, 0));
    holds_about(frame, "from_first_low", rows.iter().map(|r| interval(r).0), 1e-7)?;
    holds_about(frame, "from_first_high", rows.iter().map(|r| interval(r).1), 1e-7)?;
    let [mut median, mut within, mut low, mut high] = [const { Vec::new() }; 4];
    for (g, s) in &rows {
        let spans: Vec<(f64, bool)> = groups[*g]
            .2
            .iter()
            .map(|id| &people[*id].1)
            .filter(|r| *s > 0 && r[s - 1].is_some())
            .map(|r| (days(r[*s].unwrap_or(end()) - r[s - 1].unwrap()), r[*s].is_some()))
            .collect();
        let curve = waiting(&spans);
        median.push(curve.iter().find(|c| c.3 <= 0.5 + 1e-9).map_or(f64::NAN, |c| c.0));
        let at = curve.iter().rev().find(|c| c.0 <= HORIZON).map(|c| (c.3, c.4));
        let known = curve.last().is_some_and(|c| c.0 >= HORIZON || c.3 == 0.0);
        let (share, sum) = if known { at.unwrap_or((1.0, 0.0)) } else { (f64::NAN, 0.0) };
        within.push(1.0 - share);
        let inner = share > 0.0 && share < 1.0;
        // On the scale of log(-log S), whose standard error is sqrt(sum) / |log S|.
        let end = |sign: f64| {
            1.0 - (-(((-share.ln()).ln()) + sign * Z * sum.sqrt() / share.ln().abs()).exp()).exp()
        };
        low.push(if inner { end(-1.0) } else { 1.0 - share });
        high.push(if inner { end(1.0) } else { 1.0 - share });
    }
    holds(frame, "median_days", median)?;
    holds_about(frame, "within_horizon", within, 1e-7)?;
    holds_about(frame, "within_horizon_low", low, 1e-7)?;
    holds_about(frame, "within_horizon_high", high, 1e-7)?;
    // Pearson's sum over the four cells.
    let p_value = |g: usize, s: usize| {
        if g == 0 || s == 0 {
            return f64::NAN;
        }
        let (a, b) = (reached(g, s), previous(g, s) - reached(g, s));
        let (c, d) = (reached(0, s) - a, previous(0, s) - reached(0, s) - b);
        let all = a + b + c + d;
        let cell =
            |seen: f64, row: f64, column: f64| (seen - row * column / all).powi(2) / (row * column / all);
        let x = cell(a, a + b, a + c) + cell(b, a + b, b + d) + cell(c, c + d, a + c) + cell(d, c + d, b + d);
        2.0 * (1.0 - normal_cdf(x.sqrt()))
    };
    let p: Vec<f64> = rows.iter().map(|(g, s)| p_value(*g, *s)).collect();
    holds_about(frame, "p_value", p.clone(), 1e-6)?;
    let mut adjusted = vec![f64::NAN; rows.len()];
    for by in ["source", "place", "cohort"] {
        let own: Vec<usize> = (0..rows.len()).filter(|i| groups[rows[*i].0].0 == by).collect();
        let found = holm(&own.iter().map(|i| p[*i]).collect::<Vec<f64>>());
        own.iter().zip(found).for_each(|(i, p)| adjusted[*i] = p);
    }
    holds_about(frame, "p_adjusted", adjusted, 1e-6)
}

pub fn funnel_times(world: &World) -> Found {
    let frame = world.table("funnel_times");
    let people = people();
    let mut steps = Vec::new();
    for s in 1..STAGES.len() {
        let spans: Vec<(f64, bool)> = people
            .values()
            .filter(|p| p.1[s - 1].is_some())
            .map(|p| (days(p.1[s].unwrap_or(end()) - p.1[s - 1].unwrap()), p.1[s].is_some()))
            .collect();
        steps.extend(waiting(&spans).into_iter().map(|step| (s, step)));
    }
    holds(frame, "place", steps.iter().map(|s| s.0 as f64 + 1.0))?;
    says(frame, "stage", steps.iter().map(|s| STAGES[s.0]))?;
    holds(frame, "days", steps.iter().map(|s| s.1 .0))?;
    holds(frame, "waiting", steps.iter().map(|s| s.1 .1))?;
    holds(frame, "through_now", steps.iter().map(|s| s.1 .2))?;
    holds_about(frame, "share_through", steps.iter().map(|s| 1.0 - s.1 .3), 1e-7)
}

pub fn funnel_people(world: &World) -> Found {
    let frame = world.table("funnel_people");
    let people = people();
    let of: Vec<&(Vec<Lead>, Vec<Option<i64>>)> = named(frame.t("id"), &people)?;
    ensure(of.len() == people.len(), "everybody has a row")?;
    let place = |p: &(Vec<Lead>, Vec<Option<i64>>)| p.1.iter().flatten().count();
    holds(frame, "place", of.iter().map(|p| place(p) as f64))?;
    says(frame, "stage", of.iter().map(|p| STAGES[place(p) - 1]))?;
    let at = |p: &(Vec<Lead>, Vec<Option<i64>>)| p.1[place(p) - 1].unwrap();
    holds(frame, "reached_on", of.iter().map(|p| f64::from(FIRST) + (at(p) / MINUTES_A_DAY) as f64))?;
    holds(frame, "days_in_stage", of.iter().map(|p| days(end() - at(p))))?;
    holds(frame, "events", of.iter().map(|p| p.0.len() as f64))?;
    let back = |p: &(Vec<Lead>, Vec<Option<i64>>)| {
        // A moment's events are in the order of their stages.
        p.0.iter().any(|a| p.0.iter().any(|b| a.stage > b.stage && a.minute < b.minute))
    };
    holds(frame, "went_back", of.iter().map(|p| f64::from(u8::from(back(p)))))
}

pub fn funnel_rejects(world: &World) -> Found {
    let frame = world.table("funnel_rejects");
    let text = leads_export();
    let line = |end: &str| text.lines().position(|l| l.contains(end)).unwrap() as f64 + 1.0;
    holds(frame, "line", [line(",2022-01-05 10:00,visit"), line("l1,,visit"), line("soon"), line("refund")])?;
    says(frame, "value", ["", "", "soon", "refund"])?;
    says(frame, "reason", ["missing_id", "missing_time", "bad_time", "unknown_stage"])
}

pub fn channel_rejects(world: &World) -> Found {
    let frame = world.table("channel_rejects");
    // The last three lines, behind all others and the header.
    let last = touches().len() as f64 + 1.0;
    holds(frame, "line", [last + 1.0, last + 2.0, last + 3.0])?;
    says(frame, "value", ["", "much", ""])?;
    says(frame, "reason", ["missing_channel", "bad_value", "missing_id"])
}

pub const CHANNELS: [&str; 4] = ["ads", "mail", "search", "shop"];

/// A touch or an order: who, when, the channel, what the order is worth.
pub struct Touch {
    id: String,
    minute: i64,
    channel: Option<usize>,
    order: Option<i64>,
}

pub fn touches() -> Vec<Touch> {
    let mut draw = Draw(33);
    let mut touches = Vec::new();
    for person in 0..150 {
        let mut minute = draw.below(60 * 1440) as i64;
        for _ in 0..1 + draw.below(6) {
            let channel = [0, 1, 1, 2, 2, 2, 3][draw.below(7)];
            let order = (draw.below(4) == 0).then(|| 500 + draw.below(9000) as i64);
            let alone = order.is_some() && draw.below(3) == 0;
            touches.push(Touch {
                id: format!("t{person}"),
                minute,
                channel: (!alone).then_some(channel),
                order,
            });
            minute += 30 + draw.below(40 * 1440) as i64;
        }
    }
    touches
}

pub fn touches_export() -> String {
    let mut text = "id,time,channel,order,worth\n".to_owned();
    for t in touches() {
        let order = t.order.map_or(",".to_owned(), |cents| format!("yes,{}.{:02}", cents / 100, cents % 100));
        text.push_str(&format!(
            "{},{},{},{order}\n",
            t.id,
            moment(t.minute),
            t.channel.map_or("", |c| CHANNELS[c])
        ));
    }
    text + "t1,2022-01-05 10:00,,,\nt1,2022-01-05 10:00,ads,yes,much\n,2022-01-05 10:00,ads,,\n"
}

/// Days that a touch counts, as the test's command says.
pub const WINDOW: f64 = 30.0;
const HALF_LIFE: f64 = 7.0;

/// A way to an order or to none: channels, days before its end, what the order is worth.
struct Way {
    channels: Vec<usize>,
    before: Vec<f64>,
    order: Option<f64>,
}

fn ways() -> Vec<Way> {
    let mut by_person: BTreeMap<String, Vec<Touch>> = BTreeMap::new();
    touches().into_iter().for_each(|t| by_person.entry(t.id.clone()).or_default().push(t));
    let mut ways = Vec::new();
    for steps in by_person.values() {
        let mut begin = 0;
        for end in 0..steps.len() {
            let order = steps[end].order;
            if order.is_none() && end + 1 < steps.len() {
                continue;
            }
            let own = &steps[begin..=end];
            let last = if order.is_some() {
                steps[end].minute
            } else {
                own.iter().rev().find(|t| t.channel.is_some()).unwrap().minute
            };
            let counted: Vec<&Touch> =
                own.iter().filter(|t| t.channel.is_some() && days(last - t.minute) <= WINDOW).collect();
            if !counted.is_empty() {
                ways.push(Way {
                    channels: counted.iter().map(|t| t.channel.unwrap()).collect(),
                    before: counted.iter().map(|t| days(last - t.minute)).collect(),
                    order: order.map(|cents| cents as f64 / 100.0),
                });
            }
            begin = end + 1;
        }
    }
    ways
}

/// States of the walk: -1 the start, the channels, 8 an order, 9 nothing.
fn walk(ways: &[Way]) -> BTreeMap<(i32, i32), f64> {
    let mut counts = BTreeMap::new();
    for way in ways {
        let end = if way.order.is_some() { 8 } else { 9 };
        let states: Vec<i32> =
            [-1].into_iter().chain(way.channels.iter().map(|c| *c as i32)).chain([end]).collect();
        states.windows(2).for_each(|w| *counts.entry((w[0], w[1])).or_insert(0.0) += 1.0);
    }
    counts
}

fn probability(counts: &BTreeMap<(i32, i32), f64>, from: i32, to: i32) -> f64 {
    counts[&(from, to)] / counts.iter().filter(|c| c.0 .0 == from).map(|c| c.1).sum::<f64>()
}

/// The share of walks that come to an order, if nobody comes past a channel: followed until all have ended.
fn come_to_an_order(counts: &BTreeMap<(i32, i32), f64>, without: i32) -> f64 {
    let (mut at, mut arrived) = (BTreeMap::from([(-1, 1.0)]), 0.0);
    for _ in 0..500 {
        let mut next: BTreeMap<i32, f64> = BTreeMap::new();
        for ((from, to), _) in counts.iter().filter(|c| c.0 .1 != without) {
            *next.entry(*to).or_default() += at.get(from).unwrap_or(&0.0) * probability(counts, *from, *to);
        }
        arrived += next.remove(&8).unwrap_or(0.0);
        next.remove(&9);
        at = next;
    }
    arrived
}

pub fn channels(world: &World) -> Found {
    let frame = world.table("channels");
    let ways = ways();
    let counts = walk(&ways);
    let all = come_to_an_order(&counts, 77);
    let effects: Vec<f64> = (0..4).map(|c| 1.0 - come_to_an_order(&counts, c) / all).collect();
    let weights = |rule: &str, way: &Way| -> Vec<f64> {
        let n = way.channels.len();
        let raw: Vec<f64> = (0..n)
            .map(|i| match rule {
                "first" => f64::from(u8::from(i == 0)),
                "last" => f64::from(u8::from(i + 1 == n)),
                "time_decay" => 0.5f64.powf(way.before[i] / HALF_LIFE),
                "position" if n > 2 && (i == 0 || i + 1 == n) => 0.4 * (n - 2) as f64 / 0.2,
                "shapley" => {
                    let mut once = way.channels.clone();
                    once.sort_unstable();
                    once.dedup();
                    1.0 / once.len() as f64
                        / way.channels.iter().filter(|c| **c == way.channels[i]).count() as f64
                }
                _ => 1.0,
            })
            .collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|w| w / sum).collect()
    };
    let bought: Vec<&Way> = ways.iter().filter(|w| w.order.is_some()).collect();
    let total: f64 = bought.iter().map(|w| w.order.unwrap()).sum();
    let rules = ["first", "last", "linear", "time_decay", "position", "markov", "shapley"];
    let [mut rule_of, mut names] = [const { Vec::new() }; 2];
    let [mut orders, mut value, mut effect, mut touched] = [const { Vec::new() }; 4];
    for rule in rules {
        for (c, name) in CHANNELS.iter().enumerate() {
            let of = |worth: &dyn Fn(&Way) -> f64| -> f64 {
                if rule == "markov" {
                    return bought.iter().map(|w| worth(w)).sum::<f64>() * effects[c]
                        / effects.iter().sum::<f64>();
                }
                let own = |w: &&Way| -> f64 {
                    w.channels.iter().zip(weights(rule, w)).filter(|t| *t.0 == c).map(|t| t.1).sum::<f64>()
                        * worth(w)
                };
                bought.iter().map(own).sum()
            };
            rule_of.push(rule);
            names.push(*name);
            orders.push(of(&|_| 1.0));
            value.push(of(&|w| w.order.unwrap()));
            effect.push(if rule == "markov" { effects[c] } else { f64::NAN });
            touched.push(ways.iter().flat_map(|w| &w.channels).filter(|d| **d == c).count() as f64);
        }
    }
    says(frame, "rule", rule_of)?;
    says(frame, "channel", names)?;
    holds(frame, "touches", touched)?;
    holds(frame, "orders", orders)?;
    holds(frame, "order_value", value.clone())?;
    holds(frame, "share_of_value", value.iter().map(|v| v / total))?;
    holds(frame, "removal_effect", effect)
}

pub fn transitions(world: &World) -> Found {
    let frame = world.table("channel_transitions");
    let counts = walk(&ways());
    let name = |state: i32| match state {
        -1 => "(start)",
        8 => "(order)",
        9 => "(none)",
        c => CHANNELS[c as usize],
    };
    says(frame, "from", counts.keys().map(|s| name(s.0)))?;
    says(frame, "to", counts.keys().map(|s| name(s.1)))?;
    holds(frame, "steps", counts.values().copied())?;
    holds(frame, "probability", counts.keys().map(|s| probability(&counts, s.0, s.1)))
}

pub fn paths(world: &World) -> Found {
    let frame = world.table("channel_paths");
    let mut sums: BTreeMap<String, (f64, f64, f64, f64)> = BTreeMap::new();
    for way in ways() {
        let mut once = way.channels.clone();
        once.dedup();
        let name = once.iter().map(|c| CHANNELS[*c]).collect::<Vec<_>>().join(" > ");
        let sum = sums.entry(name).or_default();
        sum.0 += 1.0;
        sum.1 += f64::from(u8::from(way.order.is_some()));
        sum.2 += way.order.unwrap_or(0.0);
        sum.3 += way.before[0];
    }
    let of: Vec<&(f64, f64, f64, f64)> = named(frame.t("path"), &sums)?;
    ensure(
        of.len() == sums.len() && of.iter().map(|s| s.0).is_sorted_by(|a, b| a >= b),
        "the most frequent first",
    )?;
    holds(frame, "paths", of.iter().map(|s| s.0))?;
    holds(frame, "orders", of.iter().map(|s| s.1))?;
    holds(frame, "order_value", of.iter().map(|s| s.2))?;
    holds(frame, "mean_days", of.iter().map(|s| s.3 / s.0))
}

/// What everybody did: channels of touches, orders and their money.
fn buyers() -> BTreeMap<String, (Vec<usize>, f64, f64)> {
    let mut people: BTreeMap<String, (Vec<usize>, f64, f64)> = BTreeMap::new();
    for t in touches() {
        let person = people.entry(t.id).or_default();
        person.0.extend(t.channel);
        person.1 += f64::from(u8::from(t.order.is_some()));
        person.2 += t.order.unwrap_or(0) as f64 / 100.0;
    }
    people
}

fn different(channels: &[usize]) -> usize {
    channels.iter().collect::<BTreeSet<_>>().len()
}

pub fn channel_people(world: &World) -> Found {
    let frame = world.table("channel_people");
    let people = buyers();
    let of: Vec<&(Vec<usize>, f64, f64)> = named(frame.t("id"), &people)?;
    ensure(of.len() == people.len(), "everybody has a row")?;
    holds(frame, "touches", of.iter().map(|p| p.0.len() as f64))?;
    holds(frame, "channels_used", of.iter().map(|p| different(&p.0) as f64))?;
    let main = |p: &(Vec<usize>, f64, f64)| {
        let times = |c: usize| p.0.iter().filter(|d| **d == c).count();
        let place = |c: usize| p.0.iter().position(|d| *d == c).unwrap();
        let best = p.0.iter().max_by_key(|c| (times(**c), usize::MAX - place(**c)));
        best.map_or("", |c| CHANNELS[*c])
    };
    says(frame, "main_channel", of.iter().map(|p| main(p)))?;
    says(frame, "first_channel", of.iter().map(|p| p.0.first().map_or("", |c| CHANNELS[*c])))?;
    says(frame, "last_channel", of.iter().map(|p| p.0.last().map_or("", |c| CHANNELS[*c])))?;
    holds(frame, "orders", of.iter().map(|p| p.1))?;
    holds(frame, "order_value", of.iter().map(|p| p.2))
}

pub fn mix(world: &World) -> Found {
    let frame = world.table("channel_mix");
    let people = buyers();
    let used: BTreeSet<usize> = people.values().map(|p| different(&p.0)).collect();
    let own = |n: &usize| people.values().filter(|p| different(&p.0) == *n).collect::<Vec<_>>();
    let sum = |n: &usize, f: fn(&(Vec<usize>, f64, f64)) -> f64| own(n).into_iter().map(f).sum::<f64>();
    holds(frame, "channels_used", used.iter().map(|n| *n as f64))?;
    holds(frame, "people", used.iter().map(|n| own(n).len() as f64))?;
    holds(frame, "buyers", used.iter().map(|n| sum(n, |p| f64::from(u8::from(p.1 > 0.0)))))?;
    holds(frame, "orders", used.iter().map(|n| sum(n, |p| p.1)))?;
    holds(frame, "order_value", used.iter().map(|n| sum(n, |p| p.2)))?;
    holds(frame, "value_per_person", used.iter().map(|n| sum(n, |p| p.2) / own(n).len() as f64))
}

pub fn moves(world: &World) -> Found {
    let frame: &Frame = world.table("channel_moves");
    let mut moves: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for (channels, ..) in buyers().values().filter(|p| p.0.len() > 1) {
        *moves.entry((channels[0], *channels.last().unwrap())).or_default() += 1.0;
    }
    says(frame, "first_channel", moves.keys().map(|m| CHANNELS[m.0]))?;
    says(frame, "last_channel", moves.keys().map(|m| CHANNELS[m.1]))?;
    holds(frame, "people", moves.values().copied())
}

/// A person of a campaign: region, a number, what was spent before, whether contacted, what was spent then.
pub struct Person {
    region: &'static str,
    mood: f64,
    past: f64,
    contacted: bool,
    spent: f64,
}

pub fn campaign() -> Vec<Person> {
    let mut draw = Draw(77);
    (0..2400)
        .map(|_| {
            let region = ["east", "west", "west", "isles"][draw.below(4)];
            let mood = (draw.below(2001) as f64 - 1000.0) / 500.0;
            let past = draw.below(4000) as f64 / 100.0;
            let contacted = draw.below(10) < 4;
            // Those in a good mood spend more if they are contacted; nobody else does.
            let gain = if contacted && mood > 0.0 { 12.0 } else { 0.0 };
            Person {
                region,
                mood,
                past,
                contacted,
                spent: 0.5 * past + gain + draw.below(2000) as f64 / 100.0,
            }
        })
        .collect()
}

pub fn campaign_export() -> String {
    let mut text = "who,region,mood,past,contacted,spent\n".to_owned();
    for (i, p) in campaign().iter().enumerate() {
        let arm = if p.contacted { "yes" } else { "no" };
        text.push_str(&format!("p{i},{},{},{},{arm},{}\n", p.region, p.mood, p.past, p.spent));
    }
    text
}

pub const CAMPAIGN_COST: f64 = 5.0;
pub const CAMPAIGN_BUDGET: f64 = 3000.0;

/// People, mean and variance of the mean of those in one arm.
fn arm(
    values: &[f64],
    people: &[Person],
    contacted: bool,
    is_in: &dyn Fn(&Person) -> bool,
) -> (f64, f64, f64) {
    let own: Vec<f64> = people
        .iter()
        .zip(values)
        .filter(|(p, _)| p.contacted == contacted && is_in(p))
        .map(|p| *p.1)
        .collect();
    let n = own.len() as f64;
    let mean = own.iter().sum::<f64>() / n;
    (n, mean, own.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
}

pub fn lift(world: &World) -> Found {
    let frame = world.table("campaign_lift");
    let people = campaign();
    let spent: Vec<f64> = people.iter().map(|p| p.spent).collect();
    let mean = |v: &dyn Fn(&Person) -> f64| people.iter().map(v).sum::<f64>() / people.len() as f64;
    let (mx, my) = (mean(&|p| p.past), mean(&|p| p.spent));
    let slope = mean(&|p| (p.past - mx) * (p.spent - my)) / mean(&|p| (p.past - mx).powi(2));
    let sharper: Vec<f64> = people.iter().map(|p| p.spent - slope * (p.past - mx)).collect();
    let lines: Vec<(&str, &str, &str, &Vec<f64>)> = vec![
        ("outcome", "all", "", &spent),
        ("cuped", "all", "", &sharper),
        ("outcome", "region", "east", &spent),
        ("outcome", "region", "isles", &spent),
        ("outcome", "region", "west", &spent),
    ];
    says(frame, "measure", lines.iter().map(|l| l.0))?;
    says(frame, "by", lines.iter().map(|l| l.1))?;
    says(frame, "group", lines.iter().map(|l| l.2))?;
    let arms: Vec<[(f64, f64, f64); 2]> = lines
        .iter()
        .map(|l| [true, false].map(|c| arm(l.3, &people, c, &|p| l.2.is_empty() || p.region == l.2)))
        .collect();
    let lift = |a: &[(f64, f64, f64); 2]| a[0].1 - a[1].1;
    let error = |a: &[(f64, f64, f64); 2]| (a[0].2 + a[1].2).sqrt();
    holds(frame, "contacted", arms.iter().map(|a| a[0].0))?;
    holds(frame, "control", arms.iter().map(|a| a[1].0))?;
    holds(frame, "contacted_mean", arms.iter().map(|a| a[0].1))?;
    holds(frame, "control_mean", arms.iter().map(|a| a[1].1))?;
    holds(frame, "lift", arms.iter().map(lift))?;
    holds(frame, "lift_low", arms.iter().map(|a| lift(a) - Z * error(a)))?;
    holds(frame, "lift_high", arms.iter().map(|a| lift(a) + Z * error(a)))?;
    holds(frame, "relative_lift", arms.iter().map(|a| a[0].1 / a[1].1 - 1.0))?;
    holds(frame, "incremental", arms.iter().map(|a| lift(a) * a[0].0))?;
    let p: Vec<f64> = arms.iter().map(|a| 2.0 * normal_cdf(-(lift(a) / error(a)).abs())).collect();
    let told = frame.n("p_value");
    ensure(
        (0..p.len()).all(|i| super::near(told[i], p[i], 1e-6) || p[i] < 1e-14 && told[i] < 1e-13),
        "p-values",
    )?;
    ensure(
        (2..5).all(|i| frame.n("p_adjusted")[i] >= told[i]) && frame.n("p_adjusted")[0].is_nan(),
        "adjusted",
    )?;
    let adjusted = holm(&told[2..]);
    ensure((2..5).all(|i| super::near(frame.n("p_adjusted")[i], adjusted[i - 2], 1e-9)), "adjusted by Holm")?;
    ensure(error(&arms[1]) < 0.9 * error(&arms[0]), "the past sharpens")
}

pub fn balance(world: &World) -> Found {
    let frame = world.table("campaign_balance");
    let people = campaign();
    let of = |name: &str| people.iter().filter(|p| p.region == name).count();
    let mut regions = ["east", "west", "isles"];
    regions.sort_by_key(|name| std::cmp::Reverse(of(name)));
    let is = |name: &'static str| move |p: &Person| f64::from(u8::from(p.region == name));
    let mut rows: Vec<(&str, &str, Vec<f64>)> =
        regions.iter().map(|name| ("region", *name, people.iter().map(is(name)).collect())).collect();
    rows.push(("mood", "", people.iter().map(|p| p.mood).collect()));
    rows.push(("past", "", people.iter().map(|p| p.past).collect()));
    says(frame, "column", rows.iter().map(|r| r.0))?;
    says(frame, "value", rows.iter().map(|r| r.1))?;
    let arms: Vec<[(f64, f64, f64); 2]> =
        rows.iter().map(|r| [true, false].map(|c| arm(&r.2, &people, c, &|_| true))).collect();
    holds(frame, "contacted_mean", arms.iter().map(|a| a[0].1))?;
    holds(frame, "control_mean", arms.iter().map(|a| a[1].1))?;
    let unit = |a: &[(f64, f64, f64); 2]| ((a[0].2 * a[0].0 + a[1].2 * a[1].0) / 2.0).sqrt();
    holds(frame, "standardised", arms.iter().map(|a| (a[0].1 - a[1].1) / unit(a)))
}

/// Scores of the published people, the highest first, with their people.
fn ranked(world: &World) -> Vec<(f64, Person)> {
    let mut ranked: Vec<(f64, Person)> =
        world.table("campaign_people").n("uplift").iter().copied().zip(campaign()).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked
}

pub fn models(world: &World) -> Found {
    let frame = world.table("campaign_models");
    says(
        frame,
        "learner",
        ["two_model", "s_learner", "x_learner", "r_learner", "dr_learner", "transformed_outcome"],
    )?;
    let (qini, low, high) = (frame.n("qini"), frame.n("qini_low"), frame.n("qini_high"));
    let (p, adjusted) = (frame.n("p_value"), frame.n("p_adjusted"));
    for i in 0..frame.rows {
        ensure(low[i] < qini[i] && qini[i] < high[i], "an interval")?;
        // However small: adjusted ones are several times as large.
        let z = qini[i] / ((high[i] - low[i]) / (2.0 * 1.96));
        ensure((p[i] / normal_above(z) - 1.0).abs() < 1e-3, "p by the error")?;
    }
    holds(frame, "p_adjusted", holm(p))?;
    let best = (0..frame.rows).filter(|i| adjusted[*i] < 0.05).max_by(|a, b| qini[*a].total_cmp(&qini[*b]));
    let best = best.ok_or("somebody is to be singled out")?;
    holds(frame, "chosen", (0..frame.rows).map(|i| f64::from(u8::from(i == best))))?;
    // The areas of the chosen one from the people it ranks; equal scores come at once.
    let ranked = ranked(world);
    let all = ranked.len() as f64;
    let [mut gained, mut raised] = [vec![(0.0, 0.0)], vec![(0.0, 0.0)]];
    for (i, (score, _)) in ranked.iter().enumerate() {
        if ranked.get(i + 1).is_some_and(|next| next.0 == *score) {
            continue;
        }
        let of = |c: bool| {
            let own = || ranked[..=i].iter().filter(move |r| r.1.contacted == c);
            (own().count() as f64, own().map(|r| r.1.spent).sum::<f64>())
        };
        let ((n, y), (m, z)) = (of(true), of(false));
        let at = (i + 1) as f64 / all;
        gained.push((at, if m > 0.0 { (y - z * n / m) / all } else { y / all }));
        let last = raised.last().map_or(0.0, |r: &(f64, f64)| r.1);
        raised.push((at, if n * m > 0.0 { (y / n - z / m) * at } else { last }));
    }
    let area = |curve: &[(f64, f64)]| {
        curve.windows(2).map(|w| 0.5 * (w[0].1 + w[1].1) * (w[1].0 - w[0].0)).sum::<f64>()
    };
    let end = gained[gained.len() - 1].1;
    ensure(super::near(qini[best], area(&gained) - 0.5 * end, 1e-7), "the Qini coefficient")?;
    ensure(super::near(frame.n("auuc")[best], area(&raised), 1e-7), "the area under the uplift curve")
}

pub fn tenths(world: &World) -> Found {
    let frame = world.table("campaign_tenths");
    let people = campaign();
    let published = world.table("campaign_people");
    let (uplift, tenth) = (published.n("uplift"), published.n("tenth"));
    holds(frame, "tenth", (1..=10).map(f64::from))?;
    let spent: Vec<f64> = people.iter().map(|p| p.spent).collect();
    let own = |t: usize| (0..people.len()).filter(move |i| tenth[*i] == t as f64);
    let arm = |t: usize, c: bool| {
        let values: Vec<f64> = own(t).filter(|i| people[*i].contacted == c).map(|i| spent[i]).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (n, mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
    };
    let arms: Vec<_> = (1..=10).map(|t| (arm(t, true), arm(t, false))).collect();
    holds(frame, "contacted", arms.iter().map(|a| a.0 .0))?;
    holds(frame, "control", arms.iter().map(|a| a.1 .0))?;
    holds(
        frame,
        "expected_lift",
        (1..=10).map(|t| own(t).map(|i| uplift[i]).sum::<f64>() / own(t).count() as f64),
    )?;
    holds(frame, "lift", arms.iter().map(|a| a.0 .1 - a.1 .1))?;
    let end = |sign: f64| {
        arms.iter().map(move |a| a.0 .1 - a.1 .1 + sign * Z * (a.0 .2 + a.1 .2).sqrt()).collect::<Vec<_>>()
    };
    holds(frame, "lift_low", end(-1.0))?;
    holds(frame, "lift_high", end(1.0))
}

pub fn campaign_people(world: &World) -> Found {
    let frame = world.table("campaign_people");
    let people = campaign();
    says(frame, "id", (0..people.len()).map(|i| format!("p{i}")))?;
    holds(frame, "contacted", people.iter().map(|p| f64::from(u8::from(p.contacted))))?;
    holds(frame, "outcome", people.iter().map(|p| p.spent))?;
    let uplift = frame.n("uplift");
    let moved = |yes: bool| {
        super::mean((0..people.len()).filter(|i| (people[*i].mood > 0.0) == yes).map(|i| uplift[i]))
    };
    ensure((moved(true) - 12.0).abs() < 3.0 && moved(false).abs() < 3.0, "those in a good mood are moved")?;
    let mut order: Vec<usize> = (0..people.len()).collect();
    order.sort_by(|a, b| uplift[*b].total_cmp(&uplift[*a]));
    let mut tenth = vec![0.0; people.len()];
    order.iter().enumerate().for_each(|(place, i)| tenth[*i] = (place * 10 / people.len()) as f64 + 1.0);
    holds(frame, "tenth", tenth)?;
    holds(frame, "expected_profit", uplift.iter().map(|u| 2.0 * u - CAMPAIGN_COST))?;
    let most = (CAMPAIGN_BUDGET / CAMPAIGN_COST) as usize;
    let mut target = vec![0.0; people.len()];
    order.iter().take(most).filter(|i| 2.0 * uplift[**i] > CAMPAIGN_COST).for_each(|i| target[*i] = 1.0);
    holds(frame, "target", target)
}
