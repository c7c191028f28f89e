//! What a path says by itself, held against the automaton of all of them.

use super::names::{Name, Part};
use super::path::{Aim, Path, Step};
use super::paths::{PathId, Paths};
use super::tests::table;
use crate::inspect::field::Field;

/// An element that is open: all that a path asks of it.
struct Stands {
    name: Name,
    tags: u64,
}

impl Path {
    /// Whether the innermost of these elements is where the path leads.
    fn fits(&self, frames: &[Stands]) -> bool {
        let mut end = frames.len();
        let mut gap = self.aim == Aim::Below;
        for block in self.blocks.iter().rev() {
            let lowest = if gap { block.len() } else { end };
            // The nearest place for each block leaves most room for those before it.
            let Some(at) = (lowest..=end).rev().find(|end| fits_at(block, frames, *end)) else {
                return false;
            };
            end = at - block.len();
            gap = true;
        }
        true
    }
}

/// Whether the elements before `end` are those of the block.
fn fits_at(block: &[Step], frames: &[Stands], end: usize) -> bool {
    let Some(there) = end.checked_sub(block.len()).and_then(|start| frames.get(start..end)) else {
        return false;
    };
    block
        .iter()
        .zip(there)
        .all(|(step, frame)| step.name == frame.name && step.any_of.iter().all(|bits| bits & frame.tags != 0))
}

#[test]
fn the_automaton_says_of_any_elements_what_each_path_says_by_itself() {
    let table = table();
    let mut state = 7_u64;
    let mut below = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % n
    };
    let all = table.all_paths();
    let steps: Vec<&Step> = all.iter().flat_map(|path| path.blocks.iter().flatten()).collect();
    let aims: Vec<Aim> = all.iter().map(|path| path.aim).collect();
    let (mut covered, mut playing) = (0, 0);
    for _ in 0..200 {
        let mut paths = Paths::new(&table);
        for _ in 0..20 {
            // Paths of the table with steps of others among them, with tags as they ask for and others.
            let mut stands: Vec<Stands> = Vec::new();
            let mut path = PathId::OUTSIDE;
            for _ in 0..1 + below(3) {
                let mut some: Vec<&Step> = all[below(all.len())].blocks.iter().flatten().collect();
                some.extend((0..below(3)).map(|_| steps[below(steps.len())]));
                for step in some {
                    let asked = step.any_of.iter().fold(0, |all, bits| all | bits & bits.wrapping_neg());
                    let tags = if below(4) == 0 { 1 << below(64) } else { asked };
                    path = paths.enter(path, step.name, tags);
                    stands.push(Stands { name: step.name, tags });
                    let (_, roles) = table.paths(Aim::Element, step.name);
                    let part: Option<Part> = roles.iter().find(|p| p.path.fits(&stands)).map(|p| p.part);
                    assert_eq!(paths.part(path), part);
                    playing += usize::from(part.is_some());
                    for aim in [Aim::Element, aims[below(aims.len())], aims[below(aims.len())]] {
                        let (placed, _) = table.paths(aim, step.name);
                        let theirs = placed.iter().filter(|(_, path)| path.fits(&stands));
                        let theirs: Vec<&String> = theirs.map(|(row, _): &(&Field, _)| &row.id).collect();
                        let ours: Vec<&String> =
                            paths.rows(path, aim, step.name).iter().map(|(row, _)| &row.id).collect();
                        assert_eq!(ours, theirs);
                        covered += ours.len();
                        if let Aim::Attribute(attribute) = aim {
                            assert!(ours.is_empty() || paths.may_cover(path, attribute));
                        }
                    }
                }
            }
        }
    }
    assert!(covered > 10_000 && playing > 1_000, "{covered} {playing}");
}
