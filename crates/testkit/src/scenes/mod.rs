//! Scenes of §16 of the specification of judgements, as captures with the truth about them: `cargo xtask scenes`.
//!
//! A scene is a pure function of its name and a seed. It is told on a [`Stage`], where each piece of traffic stands beside what
//! must be said of it. Most happen among the traffic of an office ([`Stage::office`]), so that nothing is judged in a void.

mod beacons;
mod channels;
mod directory;
mod files;
mod intrusion;
mod lateral;
mod logins;
mod office;
mod recon;
mod sessions;
mod stage;

pub use stage::{Expected, Packet, Played, Stage};

use crate::flood::Random;
use stage::{DAY, HOUR, MINUTE, SECOND};

/// One scene.
pub struct Scene {
    /// As in the specification, with a word behind it if there are several of that number.
    pub name: &'static str,
    /// What happens.
    pub what: &'static str,
    make: fn(&mut Stage),
}

impl Scene {
    /// Plays it; random numbers follow from name and `seed`.
    pub fn play(&self, seed: u64) -> Played {
        let name =
            self.name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        let mut stage = Stage::new(Random::new(name ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        (self.make)(&mut stage);
        stage.played()
    }
}

const fn scene(name: &'static str, what: &'static str, make: fn(&mut Stage)) -> Scene {
    Scene { name, what, make }
}

/// Every scene, by number.
pub fn scenes() -> Vec<&'static Scene> {
    let mut all: Vec<&Scene> = [
        beacons::ALL,
        channels::ALL,
        directory::ALL,
        files::ALL,
        intrusion::ALL,
        lateral::ALL,
        logins::ALL,
        recon::ALL,
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort_by_key(|s| s.name);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let all = scenes();
        assert!(all.len() > 10 && all.windows(2).all(|w| w[0].name != w[1].name));
    }

    #[test]
    fn a_second_play_is_the_same_and_in_order() {
        // Scenes of weeks take too long for a test.
        let short = ["S-06", "S-11", "S-15", "S-16", "S-18"];
        for scene in scenes().into_iter().filter(|s| short.contains(&s.name)) {
            let (first, second) = (scene.play(1), scene.play(1));
            assert!(first.packets == second.packets && first.packets != scene.play(2).packets, "{}", scene.name);
            assert!(first.packets.windows(2).all(|w| w[0].ts <= w[1].ts), "{}", scene.name);
            assert!(first.expected.iter().all(|e| e.from <= e.by), "{}", scene.name);
        }
    }
}
