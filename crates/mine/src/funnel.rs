//! Sales funnels: how many get how far, how long it takes, and where people are lost.
//!
//! People leave events of stages that are in an order. Logs are never as tidy as the picture: stages are repeated, skipped, seen late or left again.
//! What that means is a [`Policy`], and it is stated: with [`Policy::Reached`] whoever is seen at a stage has been through all before
//! it; with [`Policy::Strict`] each stage counts only after the one before it. The first time counts, and a step back undoes nothing.
//!
//! Conversion is a share with Wilson's interval (Journal of the American Statistical Association 22, 1927). How long it takes
//! cannot be read off those who made it: the others may still come. So times are Kaplan-Meier curves
//! ([`crate::churn::survival`]), in which whoever waits when the log ends is known to have waited so long, and no more: *not yet* is not *never*.

use serde::Serialize;
use tillwise_core::Day;

use crate::MineError;
use crate::churn::survival::{Step, Times, kaplan_meier, median_time, survival_at};
use crate::stats::wilson;

/// Something that a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// Who: a number from 0.
    pub person: u32,
    /// When, in microseconds.
    pub time: i64,
    /// The stage: its place in the order, from 0.
    pub stage: u16,
}

/// When a stage counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Seen at it or at a later one.
    #[default]
    Reached,
    /// Seen at it after the one before it.
    Strict,
}

impl std::str::FromStr for Policy {
    type Err = String;
    fn from_str(text: &str) -> Result<Policy, String> {
        match text {
            "reached" => Ok(Policy::Reached),
            "strict" => Ok(Policy::Strict),
            _ => Err(format!("`{text}` is neither reached nor strict")),
        }
    }
}

/// How far a person got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// When each stage was reached.
    pub reached: Vec<Option<i64>>,
    /// Whether there is an event of each stage itself.
    pub seen: Vec<bool>,
    /// Whether an earlier stage was seen after a later one.
    pub went_back: bool,
}

impl Journey {
    /// The furthest stage reached, and when.
    pub fn furthest(&self) -> Option<(usize, i64)> {
        self.reached.iter().enumerate().rev().find_map(|(stage, time)| Some((stage, (*time)?)))
    }
}

/// What every person's events come to, in the order of their numbers. Events may come in any order.
///
/// ```
/// use tillwise_mine::funnel::{Event, Policy, journeys};
/// let event = |time, stage| Event { person: 0, time, stage };
/// // Seen at the last of three stages, then at the first, never in the middle.
/// let mut log = vec![event(20, 0), event(10, 2)];
/// let reached = journeys(&mut log, 1, 3, Policy::Reached);
/// assert_eq!(reached[0].reached, [Some(10), Some(10), Some(10)]);
/// assert!(reached[0].went_back && !reached[0].seen[1]);
/// let strict = journeys(&mut log, 1, 3, Policy::Strict);
/// assert_eq!(strict[0].reached, [Some(20), None, None]);
/// ```
pub fn journeys(events: &mut [Event], people: usize, stages: usize, policy: Policy) -> Vec<Journey> {
    events.sort_unstable();
    let nothing = Journey { reached: vec![None; stages], seen: vec![false; stages], went_back: false };
    let mut journeys = vec![nothing; people];
    for event in events.iter() {
        let journey = &mut journeys[event.person as usize];
        let stage = event.stage as usize;
        journey.went_back |= journey.seen[stage + 1..].contains(&true);
        journey.seen[stage] = true;
        match policy {
            Policy::Reached => {
                for before in journey.reached[..=stage].iter_mut().rev().take_while(|r| r.is_none()) {
                    *before = Some(event.time);
                }
            }
            Policy::Strict => {
                let before = stage == 0 || journey.reached[stage - 1].is_some();
                if before && journey.reached[stage].is_none() {
                    journey.reached[stage] = Some(event.time);
                }
            }
        }
    }
    journeys
}

/// A share with its 95 % interval; NaN where it is a share of nobody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Share {
    fn of(part: usize, all: usize) -> Share {
        let (low, high) = wilson(part, all);
        Share { value: part as f64 / all as f64, low, high }
    }
}

/// A stage, as a group of people went through it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Who reached it.
    pub people: usize,
    /// Those of them without an event of the stage itself.
    pub skipped: usize,
    /// Who reached the stage before, and not this one.
    pub not_through: usize,
    /// Share of those who reached the stage before.
    pub from_previous: Share,
    /// Share of those who reached the first stage.
    pub from_first: Share,
    /// Days from the stage before, by which half are through; none if fewer ever are.
    pub median_days: Option<f64>,
    /// Share that is through within the horizon, those who still wait counted as waiting; NaN where nobody was followed for so long.
    pub within_horizon: Share,
    /// The whole curve of those who are not through yet, by days.
    pub curve: Vec<Step>,
}

const DAY: f64 = Day::MICROS as f64;

/// A stage of some journeys; `until` is when the log ends, `horizon` is in days.
///
/// # Errors
/// If the log ends before a stage was reached.
pub fn stage(journeys: &[&Journey], stage: usize, until: i64, horizon: f64) -> Result<Stage, MineError> {
    let people = journeys.iter().filter(|j| j.reached[stage].is_some()).count();
    let skipped = journeys.iter().filter(|j| j.reached[stage].is_some() && !j.seen[stage]).count();
    let first = journeys.iter().filter(|j| j.reached[0].is_some()).count();
    let nobody = Share { value: f64::NAN, low: f64::NAN, high: f64::NAN };
    let mut found = Stage {
        people,
        skipped,
        not_through: 0,
        from_previous: nobody,
        from_first: Share::of(people, first),
        median_days: None,
        within_horizon: nobody,
        curve: Vec::new(),
    };
    let Some(before) = stage.checked_sub(1) else { return Ok(found) };
    let (mut days, mut through) = (Vec::new(), Vec::new());
    for journey in journeys {
        if let Some(from) = journey.reached[before] {
            let to = journey.reached[stage];
            days.push((to.unwrap_or(until) - from) as f64 / DAY);
            through.push(to.is_some());
        }
    }
    found.not_through = days.len() - people;
    found.from_previous = Share::of(people, days.len());
    if !days.is_empty() {
        found.curve = kaplan_meier(Times { time: &days, left: &through })?;
        found.median_days = median_time(&found.curve);
        // Beyond the longest wait that was seen the curve says nothing, unless nobody waits any more.
        if found.curve.last().is_some_and(|last| last.time >= horizon || last.survival == 0.0) {
            let (waiting, error) = survival_at(&found.curve, horizon);
            found.within_horizon = not_waiting(waiting, error);
        }
    }
    Ok(found)
}

/// One less a survival, with the interval on the scale of its double logarithm, which stays within 0 and 1 (Kalbfleisch and Prentice, The statistical
/// analysis of failure time data, 1980).
pub fn not_waiting(survival: f64, standard_error: f64) -> Share {
    let value = 1.0 - survival;
    if survival <= 0.0 || survival >= 1.0 {
        return Share { value, low: value, high: value };
    }
    let spread = 1.959_963_984_540_054 * standard_error / (survival * survival.ln()).abs();
    let end = |sign: f64| 1.0 - survival.powf((sign * spread).exp());
    Share { value, low: end(-1.0), high: end(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[(u32, i64, u16)]) -> Vec<Event> {
        lines
            .iter()
            .map(|(person, day, stage)| Event { person: *person, time: day * DAY as i64, stage: *stage })
            .collect()
    }

    #[test]
    fn a_small_funnel_by_hand() {
        // 0: all three; 1: skips the middle; 2: waits after the first; 3: repeats, then goes on; 4: only the last.
        let mut events = log(&[
            (0, 0, 0),
            (0, 2, 1),
            (0, 6, 2),
            (1, 0, 0),
            (1, 4, 2),
            (2, 7, 0),
            (3, 1, 0),
            (3, 2, 0),
            (3, 5, 1),
            (3, 8, 0),
            (4, 9, 2),
        ]);
        let all = journeys(&mut events, 5, 3, Policy::Reached);
        let all: Vec<&Journey> = all.iter().collect();
        let until = 10 * DAY as i64;
        let stages: Vec<Stage> = (0..3).map(|s| stage(&all, s, until, 3.0).unwrap()).collect();
        assert_eq!(stages.iter().map(|s| s.people).collect::<Vec<_>>(), [5, 4, 3]);
        assert_eq!(stages.iter().map(|s| s.skipped).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!((stages[1].not_through, stages[2].not_through), (1, 1));
        assert!(
            (stages[2].from_previous.value - 0.75).abs() < 1e-12
                && (stages[2].from_first.value - 0.6).abs() < 1e-12
        );
        // Days to the second stage: 2, 4, (3 and more), 4, 0. After day 0: 4/5, after 2: 4/5 * 3/4; after 3 one is out of sight.
        assert!((stages[1].within_horizon.value - 0.4).abs() < 1e-12);
        assert_eq!(stages[1].median_days, Some(4.0));
        assert!(all[3].went_back && !all[0].went_back);
        let strict = journeys(&mut events, 5, 3, Policy::Strict);
        let strict: Vec<&Journey> = strict.iter().collect();
        let people = |s| stage(&strict, s, until, 3.0).unwrap().people;
        assert_eq!([people(0), people(1), people(2)], [4, 2, 1]);
        assert_eq!(strict[0].furthest(), Some((2, 6 * DAY as i64)));
    }

    #[test]
    fn those_who_wait_are_not_counted_as_lost() {
        use rand::{RngCore, SeedableRng};
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(2);
        let mut uniform = || (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        // 60 % go on, after ten days in the mean; people begin over 30 days, and the log ends with the last of them.
        let (mut events, people) = (Vec::new(), 4000);
        let until = 30.0;
        for person in 0..people {
            let begin = uniform() * until;
            let mut push = |day: f64, stage| events.push(Event { person, time: (day * DAY) as i64, stage });
            push(begin, 0);
            let then = begin - 10.0 * (1.0 - uniform()).ln();
            if uniform() < 0.6 && then < until {
                push(then, 1);
            }
        }
        let all = journeys(&mut events, people as usize, 2, Policy::Reached);
        let all: Vec<&Journey> = all.iter().collect();
        let found = stage(&all, 1, (until * DAY) as i64, 20.0).unwrap();
        let truth = 0.6 * (1.0 - (-2.0f64).exp());
        assert!(
            found.from_previous.value < truth - 0.08,
            "the plain share is too low: {:?}",
            found.from_previous
        );
        assert!((found.within_horizon.value - truth).abs() < 0.02, "{:?}", found.within_horizon);
        assert!(found.within_horizon.low < truth && truth < found.within_horizon.high);
    }

    #[test]
    fn nobody_and_ends() {
        // Both were followed for a day: of three days nothing is known.
        let mut events = log(&[(0, 0, 0), (1, 0, 0), (1, 1, 1)]);
        let all = journeys(&mut events, 2, 2, Policy::Reached);
        let short = stage(&all.iter().collect::<Vec<_>>(), 1, DAY as i64, 3.0).unwrap();
        assert!(short.within_horizon.value.is_nan() && short.median_days == Some(1.0));
        let none = stage(&[], 1, 0, 3.0).unwrap();
        assert!(none.people == 0 && none.from_previous.value.is_nan() && none.curve.is_empty());
        // R: survfit's log-log limits of S = .5, se = .1: exp(-exp(log(log 2) +- 1.96 * .1 / (.5 log 2)))
        let share = not_waiting(0.5, 0.1);
        assert!(
            (share.low - 0.325_477_36).abs() < 1e-7 && (share.high - 0.704_828_28).abs() < 1e-7,
            "{share:?}"
        );
        assert_eq!(not_waiting(1.0, 0.0).high, 0.0);
    }
}
