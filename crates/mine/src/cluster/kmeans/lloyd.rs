//! Lloyd's steps (Lloyd 1982), exact, without looking at most points in most steps.
//!
//! **Bounds.** When a point is looked at, it keeps its centre `a`, the second nearest centre `b`, and two gaps: how much farther `b` is than `a`,
//! and how much farther the third nearest is. A centre `c` that has come `p_c` along since then has shrunk the first gap by at most
//! `p_a + p_b`, and the second by `p_a` and the longest way that any other centre came: the triangle inequality, as in Hamerly (2010), with the
//! nearest rival's own way in place of the longest. Ways are summed per centre, not per point, so a point whose gaps are still above those
//! sums is passed over at the cost of reading a dozen bytes. If only the first gap is gone, `a` and `b` are measured again and nothing else.
//!
//! **Search.** Centres lie in groups of [`LANES`], coordinate by coordinate, so that one point is held against a group in
//! straight vector code. From a point at distance `u` of its old centre `a`, a group whose nearest centre is `m` from `a` cannot hold anything
//! nearer than `m - u`: groups are visited in the order of `m` until that is more than the third best distance (the idea of Newling &
//! Fleuret 2016, *Fast k-means with accurate bounds*, ICML).
//!
//! **Sums** are corrected by the points that change sides, chunk after chunk in a fixed order, and made anew from time to time.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::{CHUNK, Fit, rows};

/// Most centres of a fit.
pub const MOST: usize = 4096;
/// Centres that a point is held against at once.
const LANES: usize = 8;
/// Points that are fetched together.
const BATCH: usize = 32;
/// Steps after which the sums are made anew, so that rounding cannot pile up.
const RENEW: usize = 32;
/// What rounding may take from a distance, as a share of it: many times what it does take.
const ROUNDING: f64 = 1e-12;

/// Lloyd's steps from given centres, until no label changes or the centres' summed squared movement is at most `tolerance`. Ties go to the
/// first centre; a centre that loses all its points goes to the point farthest from its own.
///
/// `points` has the shape `(points, features)`, `centres` `(k, features)`, with `k` from 1 to [`MOST`] and
/// at least one feature; coordinates are finite.
pub fn lloyd(
    points: ArrayView2<'_, f64>,
    centres: Array2<f64>,
    max_iterations: usize,
    tolerance: f64,
) -> Fit {
    let held = points.as_standard_layout();
    let d = points.ncols();
    let mut state = State::new(rows(&held), d, centres);
    let (mut iterations, mut converged) = (0, false);
    while iterations < max_iterations && !converged {
        iterations += 1;
        let changed = state.assign();
        if iterations % RENEW == 0 {
            state.renew_sums();
        }
        let shift = state.move_centres();
        converged = !changed || shift <= tolerance;
    }
    state.assign();
    let inertia = state.inertia();
    let labels = state.kept.iter().map(|kept| u32::from(kept.label)).collect();
    Fit { centres: state.centres, labels, inertia, iterations, converged }
}

struct State<'a> {
    points: &'a [f64],
    d: usize,
    centres: Array2<f64>,
    kept: Vec<Kept>,
    /// How far each centre has come since the beginning.
    ways: Vec<f64>,
    /// The same, and the longest way of any other centre in each step.
    ways_with_longest: Vec<f64>,
    sums: Sums,
    /// Whether no point has been looked at yet.
    first: bool,
}

/// What a point keeps. Gaps stand on top of the ways of the time, rounded down.
#[derive(Clone, Copy)]
struct Kept {
    label: u16,
    second: u16,
    gap: f32,
    gap_to_third: f32,
}

/// Sums and counts of the points of every centre.
#[derive(Clone)]
struct Sums {
    sums: Vec<f64>,
    counts: Vec<i64>,
}

impl Sums {
    fn new(k: usize, d: usize) -> Sums {
        Sums { sums: vec![0.0; k * d], counts: vec![0; k] }
    }

    fn add(&mut self, label: u16, point: &[f64], sign: f64) {
        let label = label as usize;
        self.counts[label] += sign as i64;
        let d = point.len();
        self.sums[label * d..(label + 1) * d].iter_mut().zip(point).for_each(|(s, v)| *s += sign * v);
    }

    fn join(&mut self, other: &Sums) {
        self.sums.iter_mut().zip(&other.sums).for_each(|(s, v)| *s += v);
        self.counts.iter_mut().zip(&other.counts).for_each(|(s, v)| *s += v);
    }
}

impl<'a> State<'a> {
    fn new(points: &'a [f64], d: usize, centres: Array2<f64>) -> State<'a> {
        let (n, k) = (points.len() / d.max(1), centres.nrows());
        State {
            points,
            d,
            centres: centres.as_standard_layout().into_owned(),
            kept: vec![Kept { label: 0, second: 0, gap: f32::MIN, gap_to_third: f32::MIN }; n],
            ways: vec![0.0; k],
            ways_with_longest: vec![0.0; k],
            sums: Sums::new(k, d),
            first: true,
        }
    }

    /// Brings every point to its nearest centre; whether one changed sides.
    fn assign(&mut self) -> bool {
        let groups = Groups::new(&self.centres);
        let (d, first) = (self.d, std::mem::take(&mut self.first));
        let (ways, ways_with_longest) = (&self.ways, &self.ways_with_longest);
        let centres = self.centres.as_slice().unwrap_or_default();
        let arch = pulp::Arch::new();
        let changes: Vec<Option<Sums>> = self
            .kept
            .par_chunks_mut(CHUNK)
            .zip(self.points.par_chunks(CHUNK * d))
            .map(|(kept, points)| {
                arch.dispatch(Assign {
                    kept,
                    points,
                    centres,
                    groups: &groups,
                    ways,
                    ways_with_longest,
                    first,
                    d,
                })
            })
            .collect();
        let mut changed = false;
        for change in changes.iter().flatten() {
            self.sums.join(change);
            changed = true;
        }
        changed
    }

    fn renew_sums(&mut self) {
        let (k, d) = self.centres.dim();
        let parts: Vec<Sums> = self
            .kept
            .par_chunks(CHUNK)
            .zip(self.points.par_chunks(CHUNK * d))
            .map(|(kept, points)| {
                let mut sums = Sums::new(k, d);
                kept.iter().zip(points.chunks_exact(d)).for_each(|(own, p)| sums.add(own.label, p, 1.0));
                sums
            })
            .collect();
        self.sums = Sums::new(k, d);
        parts.iter().for_each(|p| self.sums.join(p));
    }

    /// Moves centres to the means of their points; the summed squared movement.
    fn move_centres(&mut self) -> f64 {
        let d = self.d;
        let mut moved = self.centres.clone();
        let mut taken = Vec::new();
        for (c, count) in self.sums.counts.iter().enumerate() {
            let mut row = moved.row_mut(c);
            if *count > 0 {
                let sums = &self.sums.sums[c * d..(c + 1) * d];
                row.iter_mut().zip(sums).for_each(|(m, s)| *m = s / *count as f64);
            } else if let Some(at) = self.farthest(&taken) {
                taken.push(at);
                row.iter_mut().zip(&self.points[at * d..]).for_each(|(m, v)| *m = *v);
            }
        }
        let squares: Vec<f64> =
            (&moved - &self.centres).rows().into_iter().map(|r| r.iter().map(|v| v * v).sum()).collect();
        let ways: Vec<f64> = squares.iter().map(|s: &f64| s.sqrt() * (1.0 + ROUNDING)).collect();
        let longest = (0..ways.len()).fold(0, |l, c| if ways[c] > ways[l] { c } else { l });
        let longest_but =
            |a: usize| ways.iter().enumerate().filter(|(c, _)| *c != a).fold(0.0, |m: f64, (_, w)| m.max(*w));
        let second = longest_but(longest);
        for (c, way) in ways.iter().enumerate() {
            self.ways[c] += way;
            self.ways_with_longest[c] += way + if c == longest { second } else { ways[longest] };
        }
        self.centres = moved;
        squares.iter().sum()
    }

    /// The point farthest from its centre that is not taken; the first of equals, `None` if all lie on their centres.
    fn farthest(&self, taken: &[usize]) -> Option<usize> {
        let distances = self.own_distances();
        let far = |best: Option<(f64, usize)>, (i, v): (usize, f64)| match best {
            _ if v <= 0.0 || taken.contains(&i) => best,
            Some(b) if b.0 >= v => best,
            _ => Some((v, i)),
        };
        distances.into_iter().enumerate().fold(None, far).map(|b| b.1)
    }

    fn own_distances(&self) -> Vec<f64> {
        let d = self.d;
        let centres = self.centres.as_slice().unwrap_or_default();
        let own = |(kept, point): (&Kept, &[f64])| squared_distance(point, centre(centres, kept.label, d));
        self.kept.par_iter().zip(self.points.par_chunks_exact(d)).with_min_len(CHUNK).map(own).collect()
    }

    fn inertia(&self) -> f64 {
        let d = self.d;
        let centres = self.centres.as_slice().unwrap_or_default();
        let parts: Vec<f64> = self
            .kept
            .par_chunks(CHUNK)
            .zip(self.points.par_chunks(CHUNK * d))
            .map(|(kept, points)| {
                let own = |(kept, p): (&Kept, &[f64])| squared_distance(p, centre(centres, kept.label, d));
                kept.iter().zip(points.chunks_exact(d)).map(own).sum()
            })
            .collect();
        parts.iter().sum()
    }
}

/// The square of the Euclidean distance.
pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

fn centre(centres: &[f64], label: u16, d: usize) -> &[f64] {
    &centres[usize::from(label) * d..][..d]
}

/// A chunk of points, brought to their nearest centres in code for the widest vectors of the machine. No two products are drawn
/// together, so every width gives the same bits.
struct Assign<'a> {
    kept: &'a mut [Kept],
    points: &'a [f64],
    centres: &'a [f64],
    groups: &'a Groups,
    ways: &'a [f64],
    ways_with_longest: &'a [f64],
    first: bool,
    d: usize,
}

impl pulp::NullaryFnOnce for Assign<'_> {
    type Output = Option<Sums>;

    #[inline(always)]
    fn call(self) -> Option<Sums> {
        // With the number of features known, its loops unroll.
        match self.d {
            2 => self.run::<2>(),
            3 => self.run::<3>(),
            4 => self.run::<4>(),
            5 => self.run::<5>(),
            6 => self.run::<6>(),
            7 => self.run::<7>(),
            8 => self.run::<8>(),
            _ => self.run::<0>(),
        }
    }
}

impl Assign<'_> {
    /// `D` is the number of features, or 0 where that is not known in advance.
    #[inline(always)]
    fn run<const D: usize>(self) -> Option<Sums> {
        let Assign { kept, points, centres, groups, ways, ways_with_longest, first, d } = self;
        let (d, k) = (if D > 0 { D } else { d }, ways.len());
        // First who must be looked at, without a branch; then those one after another, copied together, so that many waits for
        // memory pass at once.
        let mut look = [0u16; CHUNK];
        let mut many = 0;
        for (i, own) in kept.iter().enumerate() {
            look[many.min(CHUNK - 1)] = i as u16;
            let (a, b) = (usize::from(own.label), usize::from(own.second));
            let gone = f64::from(own.gap) < ways[a] + ways[b];
            let third_gone = f64::from(own.gap_to_third) < ways_with_longest[a];
            many += usize::from(gone | third_gone);
        }
        let mut change: Option<Sums> = None;
        let mut near_by = vec![0.0; BATCH * d];
        for batch in look[..many].chunks(BATCH) {
            for (to, i) in near_by.chunks_exact_mut(d).zip(batch) {
                let from = usize::from(*i) * d;
                to.copy_from_slice(&points[from..from + d]);
            }
            for (point, i) in near_by.chunks_exact(d).zip(batch) {
                let own = &mut kept[usize::from(*i)];
                let old = own.label;
                if f64::from(own.gap_to_third) >= ways_with_longest[usize::from(old)] {
                    let near = squared_distance(point, centre(centres, old, d)).sqrt();
                    let next = squared_distance(point, centre(centres, own.second, d)).sqrt();
                    let gap = next - near - ROUNDING * (next + near);
                    if gap > 0.0 {
                        own.gap = below(gap + ways[usize::from(old)] + ways[usize::from(own.second)]);
                        continue;
                    }
                }
                let found = groups.search::<D>(point, usize::from(old));
                let (near, next, third) = (found.near.sqrt(), found.next.sqrt(), found.third.sqrt());
                let (a, b) = (usize::from(found.label), usize::from(found.second));
                *own = Kept {
                    label: found.label,
                    second: found.second,
                    gap: below(next - near - ROUNDING * (next + near) + ways[a] + ways[b]),
                    gap_to_third: below(third - near - ROUNDING * (third + near) + ways_with_longest[a]),
                };
                if found.label != old || first {
                    let change = change.get_or_insert_with(|| Sums::new(k, d));
                    if !first {
                        change.add(old, point, -1.0);
                    }
                    change.add(found.label, point, 1.0);
                }
            }
        }
        change
    }
}

/// A single-precision number that is not above the given one.
#[inline(always)]
fn below(v: f64) -> f32 {
    // Infinite gaps, and the NaN of two infinite distances, where there are fewer than three centres: as large as can be.
    let near = (v as f32).min(f32::MAX);
    near - near.abs() * f32::EPSILON
}

/// The nearest two centres, and the squared distances to the nearest three; infinite where there are fewer.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub label: u16,
    pub second: u16,
    pub near: f64,
    pub next: f64,
    pub third: f64,
}

impl Found {
    /// Takes in one more centre. Of equals, the one with the lower number is nearer.
    #[inline(always)]
    fn take(&mut self, label: u16, v: f64) {
        // Without branches, which would be guessed wrong.
        let first = v < self.near || (v == self.near && label < self.label);
        let second = v < self.next;
        self.third = if first | second { self.next } else { self.third.min(v) };
        (self.next, self.second) = match (first, second) {
            (true, _) => (self.near, self.label),
            (false, true) => (v, label),
            _ => (self.next, self.second),
        };
        (self.near, self.label) = if first { (v, label) } else { (self.near, self.label) };
    }
}

/// The centres, in groups.
pub(super) struct Groups {
    d: usize,
    /// Coordinates, `[group][feature][lane]`; infinite in the lanes that no centre has.
    lanes: Vec<f64>,
    /// The centre of each lane; 0 in the lanes that no centre has, which are infinitely far.
    centre: Vec<u16>,
    /// The lane of each centre.
    lane: Vec<u32>,
    /// For each centre, the groups with the distance from it to their nearest centre, ascending.
    visits: Vec<Vec<(f64, u32)>>,
}

impl Groups {
    pub fn new(centres: &Array2<f64>) -> Groups {
        let (k, d) = centres.dim();
        let mut order: Vec<u32> = (0..k as u32).collect();
        bisect(centres, &mut order);
        let groups = k.div_ceil(LANES);
        let mut lanes = vec![f64::INFINITY; groups * d * LANES];
        let mut centre = vec![0; groups * LANES];
        let mut lane = vec![0; k];
        for (at, c) in order.iter().enumerate() {
            centre[at] = *c as u16;
            lane[*c as usize] = at as u32;
            for (j, v) in centres.row(*c as usize).iter().enumerate() {
                lanes[(at / LANES * d + j) * LANES + at % LANES] = *v;
            }
        }
        let mut groups_ = Groups { d, lanes, centre, lane, visits: Vec::new() };
        groups_.visits = (0..k)
            .into_par_iter()
            .with_min_len(64)
            .map(|a| {
                let from = centres.row(a).to_vec();
                let nearest =
                    |g: usize| groups_.distances::<0>(&from, g).into_iter().fold(f64::INFINITY, f64::min);
                let mut visits: Vec<(f64, u32)> =
                    (0..groups).map(|g| (nearest(g).sqrt() * (1.0 - ROUNDING), g as u32)).collect();
                let own = groups_.lane[a] as usize / LANES;
                // Its own group comes first, even where another holds an equal centre.
                visits.sort_by(|x, y| {
                    x.0.total_cmp(&y.0).then((x.1 as usize != own).cmp(&(y.1 as usize != own)))
                });
                visits
            })
            .collect();
        groups_
    }

    #[inline(always)]
    fn distances<const D: usize>(&self, point: &[f64], group: usize) -> [f64; LANES] {
        let d = if D > 0 { D } else { self.d };
        let mut sums = [0.0; LANES];
        let (lanes, _) = self.lanes[group * d * LANES..(group + 1) * d * LANES].as_chunks::<LANES>();
        for (v, lanes) in point.iter().zip(lanes) {
            for l in 0..LANES {
                let apart = v - lanes[l];
                sums[l] += apart * apart;
            }
        }
        sums
    }

    /// The nearest centres of a point, starting from `old`, any centre.
    #[inline(always)]
    pub fn search<const D: usize>(&self, point: &[f64], old: usize) -> Found {
        let far = f64::INFINITY;
        let mut found = Found { label: 0, second: 0, near: far, next: far, third: far };
        let mut own = 0.0;
        for (visit, (bound, group)) in self.visits[old].iter().enumerate() {
            if visit > 0 && bound - own > found.third.sqrt() {
                break;
            }
            let group = *group as usize;
            let distances = self.distances::<D>(point, group);
            if visit == 0 && self.visits[old].len() > 1 {
                own = distances[self.lane[old] as usize % LANES].sqrt() * (1.0 + ROUNDING);
            }
            // Most groups hold none of the nearest three, nor an equal of theirs.
            let [a, b, c, d, e, f, g, h] = distances;
            if a.min(e).min(b.min(f)).min(c.min(g).min(d.min(h))) > found.third {
                continue;
            }
            for (label, v) in self.centre[group * LANES..(group + 1) * LANES].iter().zip(distances) {
                found.take(*label, v);
            }
        }
        found
    }
}

/// Orders centres so that each run of [`LANES`] lies together: cut after cut across the widest feature.
fn bisect(centres: &Array2<f64>, order: &mut [u32]) {
    if order.len() <= LANES {
        order.sort_unstable();
        return;
    }
    let spread = |j: usize| {
        let values = order.iter().map(|c| centres[[*c as usize, j]]);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        high - low
    };
    let widest = (0..centres.ncols()).fold(0, |w, j| if spread(j) > spread(w) { j } else { w });
    order.sort_by(|a, b| {
        centres[[*a as usize, widest]].total_cmp(&centres[[*b as usize, widest]]).then(a.cmp(b))
    });
    let middle = (order.len() / 2).next_multiple_of(LANES).min(order.len() - 1);
    let (low, high) = order.split_at_mut(middle);
    bisect(centres, low);
    bisect(centres, high);
}
