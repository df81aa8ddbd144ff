//! Minimising a smooth function of a few log parameters.

use argmin::core::{CostFunction, Executor, State};
use argmin::solver::neldermead::NelderMead;

/// Where the search ended.
#[derive(Clone, Debug)]
pub struct Optimum {
    pub at: Vec<f64>,
    pub value: f64,
    pub iterations: usize,
    /// Largest absolute element of the gradient, but for parameters held at their bound.
    pub gradient: f64,
    pub converged: bool,
    /// The search's idea of the inverse Hessian, for a search that goes on from here.
    pub inverse: Vec<Vec<f64>>,
}

impl Optimum {
    fn nowhere(at: Vec<f64>) -> Optimum {
        Optimum {
            at,
            value: f64::NAN,
            iterations: 0,
            gradient: f64::NAN,
            converged: false,
            inverse: Vec::new(),
        }
    }

    /// Whether a parameter ran off to the boundary.
    pub fn is_off(&self, i: usize) -> bool {
        self.at[i].abs() > LOG_INSIDE
    }

    /// Parameters that ran off, in words: customers do not differ in what they describe, or a covariate tells all. The
    /// optimum is one all the same. The first `logs` parameters are logarithms.
    pub fn run_off(&self, names: &[&str], logs: usize) -> Vec<String> {
        let towards = |i: usize, at: f64| match (at > 0.0, i < logs) {
            (true, _) => "infinity",
            (false, true) => "zero",
            (false, false) => "minus infinity",
        };
        let off = names.iter().zip(&self.at).enumerate().filter(|(i, _)| self.is_off(*i));
        off.map(|(i, (name, at))| format!("{name} towards {}", towards(i, *at))).collect()
    }
}

const GRADIENT_TOLERANCE: f64 = 1e-9;
/// What may be left of it where a search ends for other reasons.
const GRADIENT_LEFT: f64 = 1e-5;
/// What rounding may leave of it far out, where log-gammas of large numbers cancel and the value no longer changes.
const GRADIENT_NOISE: f64 = 1e-4;
/// Fits that converge take twenty to forty.
const MAX_ITERATIONS: usize = 200;
/// Steps after which starts are compared.
const FEW_ITERATIONS: usize = 12;
/// Log parameters are kept within this of zero: e^12 is as good as infinite here.
pub(super) const LOG_BOUND: f64 = 12.0;
/// Beyond this a parameter has run off towards the boundary.
const LOG_INSIDE: f64 = 8.0;
/// A step in one log parameter, at most.
const MAX_STEP: f64 = 2.0;

/// Minimises `f`, which gives the value and the gradient. Every start is followed for a few steps, and the best of
/// them to the end; where that leads nowhere, the others are too, and then Nelder and Mead's method takes over and
/// the gradient polishes.
pub fn minimize(f: &(impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync), starts: &[Vec<f64>]) -> Optimum {
    let mut begun: Vec<Optimum> = starts.iter().map(|start| bfgs(f, start, None, FEW_ITERATIONS)).collect();
    // NaN comes last.
    begun.sort_by(|a, b| a.value.is_nan().cmp(&b.value.is_nan()).then(a.value.total_cmp(&b.value)));
    let mut best: Option<Optimum> = None;
    for start in begun {
        let end = refine(f, &start);
        if end.converged {
            return end;
        }
        if best.as_ref().is_none_or(|b| end.value < b.value) {
            best = Some(end);
        }
    }
    let best = best.unwrap_or_else(|| Optimum::nowhere(Vec::new()));
    match without_gradient(f, &best.at) {
        Some(at) => {
            let polished = bfgs(f, &at, None, MAX_ITERATIONS);
            if polished.value <= best.value || polished.converged { polished } else { best }
        }
        None => best,
    }
}

/// Goes on from where a search of similar data ended.
pub fn refine(f: &impl Fn(&[f64]) -> (f64, Vec<f64>), from: &Optimum) -> Optimum {
    let mut end = bfgs(f, &from.at, Some(from.inverse.clone()), MAX_ITERATIONS);
    end.iterations += from.iterations;
    end
}

/// Broyden, Fletcher, Goldfarb and Shanno's method with a backtracking line search (Nocedal & Wright 2006,
/// algorithm 6.1).
fn bfgs(
    f: &impl Fn(&[f64]) -> (f64, Vec<f64>),
    start: &[f64],
    known: Option<Vec<Vec<f64>>>,
    most: usize,
) -> Optimum {
    let n = start.len();
    let identity =
        || (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect::<Vec<Vec<f64>>>();
    // Where a parameter is at its bound, a gradient that leads beyond counts as none.
    let within = |at: &[f64], mut gradient: Vec<f64>| {
        for (g, a) in gradient.iter_mut().zip(at) {
            if a.abs() >= LOG_BOUND && *g * a < 0.0 {
                *g = 0.0;
            }
        }
        gradient
    };
    let mut at = start.to_vec();
    let (mut value, first) = f(&at);
    let mut gradient = within(&at, first);
    let mut fresh = known.is_none();
    let mut inverse = known.unwrap_or_else(identity);
    let (mut iterations, mut stalled) = (0, 0);
    while iterations < most && value.is_finite() && norm(&gradient) > GRADIENT_TOLERANCE {
        iterations += 1;
        let mut step: Vec<f64> = inverse.iter().map(|row| -dot(row, &gradient)).collect();
        let mut slope = dot(&step, &gradient);
        if slope >= 0.0 || !slope.is_finite() {
            inverse = identity();
            step = gradient.iter().map(|g| -g).collect();
            slope = -dot(&gradient, &gradient);
            fresh = true;
        }
        let longest = norm(&step);
        let mut length = if longest > MAX_STEP { MAX_STEP / longest } else { 1.0 };
        let mut accepted = None;
        for _ in 0..60 {
            let next: Vec<f64> =
                at.iter().zip(&step).map(|(a, s)| (a + length * s).clamp(-LOG_BOUND, LOG_BOUND)).collect();
            let (v, g) = f(&next);
            let g = within(&next, g);
            // Close to the minimum the value's change drowns in rounding; there the gradient tells (Hager & Zhang 2005).
            let falls = v <= value + 1e-4 * length * slope
                || (v <= value + 1e-13 * value.abs() && norm(&g) < norm(&gradient));
            if v.is_finite() && falls && g.iter().all(|g| g.is_finite()) {
                accepted = Some((next, v, g));
                break;
            }
            length *= 0.5;
        }
        let Some((next, v, g)) = accepted else {
            if fresh {
                break;
            }
            inverse = identity();
            fresh = true;
            continue;
        };
        let s: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = g.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        update(&mut inverse, &s, &y, fresh);
        fresh = false;
        let small = value - v <= 1e-13 * value.abs() && norm(&g) <= GRADIENT_NOISE;
        stalled = if small { stalled + 1 } else { 0 };
        (at, value, gradient) = (next, v, g);
        if stalled == 3 {
            break;
        }
    }
    let size = norm(&gradient);
    let enough = if stalled == 3 { GRADIENT_NOISE } else { GRADIENT_LEFT };
    let converged = value.is_finite() && size <= enough;
    Optimum { at, value, iterations, gradient: size, converged, inverse }
}

/// The rank-two update of the inverse Hessian.
fn update(inverse: &mut [Vec<f64>], s: &[f64], y: &[f64], fresh: bool) {
    let (sy, yy) = (dot(s, y), dot(y, y));
    if sy <= 1e-12 * (dot(s, s) * yy).sqrt() {
        return;
    }
    let n = s.len();
    if fresh {
        for (i, row) in inverse.iter_mut().enumerate() {
            row[i] = sy / yy;
        }
    }
    let hy: Vec<f64> = inverse.iter().map(|row| dot(row, y)).collect();
    let yhy = dot(y, &hy);
    for i in 0..n {
        for j in 0..n {
            inverse[i][j] += (1.0 + yhy / sy) * s[i] * s[j] / sy - (hy[i] * s[j] + s[i] * hy[j]) / sy;
        }
    }
}

fn without_gradient(f: &(impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync), start: &[f64]) -> Option<Vec<f64>> {
    struct Cost<'a, F>(&'a F);
    impl<F: Fn(&[f64]) -> (f64, Vec<f64>)> CostFunction for Cost<'_, F> {
        type Param = Vec<f64>;
        type Output = f64;
        fn cost(&self, at: &Vec<f64>) -> Result<f64, argmin::core::Error> {
            let value = if at.iter().any(|a| a.abs() > LOG_BOUND) { f64::INFINITY } else { (self.0)(at).0 };
            Ok(if value.is_nan() { f64::INFINITY } else { value })
        }
    }
    let mut simplex = vec![start.to_vec()];
    for i in 0..start.len() {
        let mut corner = start.to_vec();
        corner[i] += 0.5;
        simplex.push(corner);
    }
    let solver = NelderMead::new(simplex).with_sd_tolerance(1e-12).ok()?;
    let result = Executor::new(Cost(f), solver).configure(|state| state.max_iters(600)).run().ok()?;
    result.state().get_best_param().cloned()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The largest absolute element; infinite where one is no number.
fn norm(a: &[f64]) -> f64 {
    a.iter().fold(0.0, |m, v| if v.is_nan() { f64::INFINITY } else { f64::max(m, v.abs()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley, minimum 0 at (1, 1).
    fn rosenbrock(p: &[f64]) -> (f64, Vec<f64>) {
        let (a, b) = (1.0 - p[0], p[1] - p[0] * p[0]);
        (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * p[0] * b, 200.0 * b])
    }

    #[test]
    fn finds_the_end_of_the_valley() {
        let end = minimize(&rosenbrock, &[vec![-1.2, 1.0]]);
        assert!(end.converged && end.at.iter().all(|p| (p - 1.0).abs() < 1e-6), "{end:?}");
    }

    #[test]
    fn a_parameter_that_runs_off_is_named() {
        let end = minimize(
            &|p: &[f64]| ((-p[0]).exp() + p[1] * p[1], vec![-(-p[0]).exp(), 2.0 * p[1]]),
            &[vec![0.0, 1.0]],
        );
        assert!(end.converged && end.at[1].abs() < 1e-6, "{end:?}");
        assert_eq!(end.run_off(&["a", "b"], 2), ["a towards infinity"]);
    }

    #[test]
    fn a_rough_function_does_not_look_converged() {
        let end =
            minimize(&|p: &[f64]| (p[0].abs(), vec![if p[0] < 0.1 { -1.0 } else { 1.0 }]), &[vec![0.5]]);
        assert!(!end.converged, "{end:?}");
    }

    #[test]
    fn works_without_a_usable_gradient() {
        let wrong = |p: &[f64]| (rosenbrock(p).0, vec![f64::NAN; 2]);
        let end = minimize(&wrong, &[vec![-1.2, 1.0]]);
        assert!(!end.converged && end.at.iter().all(|p| (p - 1.0).abs() < 1e-4), "{end:?}");
    }
}
