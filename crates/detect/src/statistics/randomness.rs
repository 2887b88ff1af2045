//! How much a name looks like made by chance (`detections.md` §1.4 P9): how usual each character is behind the one before.

/// Characters of labels; behind them the edge of a label.
const SYMBOLS: usize = 38;
const EDGE: usize = 37;

/// Rows: a character, a to z, 0 to 9, hyphen, edge. Columns: the one behind it. In eighths of a bit, `!` is 0: how surprising
/// it is. Counted from the registered names of Debian's and Rust's packages' home pages, words of nine European languages
/// put together in pairs, and names of Python packages, with half an occurrence added to each pair.
static SURPRISE: [&[u8; SYMBOLS]; SYMBOLS] = [
    b"UICE[UH[E^R?C:_Dm:>=NMZ^TY~vt~~~~~~~P@",
    b"8MSW8`]c;Zb>X_9[o=GSAgflPh~wemz~~~~|P>",
    b":`OZ>`d7Ck@BYd7NjELBH`meVY~{kp~~~~~~PD",
    b":LUO2QQ];QPOSU<XoEHXI^[eW^~xlpz~}~~~L;",
    b"GQGEJUP_O_WCG9VMd6<BXRVO\\X~|ow~~|~~~L:",
    b";]U[>B^d7ga<X\\:Z~;LADjb_Qjynh~j~~{~~PC",
    b"<YXX3]LK>leFSI>Ro>IQDiamXo~ni|x~~{y~L:",
    b"6\\Z[4`ch<h`PRQ8SaKRDDi[oKk~~f{yo~~~~M<",
    b"EJ@GANGi_]SBF6EKcH>>[MjVrT~~u|~~~~~~P@",
    b"2XPR5W[^FfTVOS;QZZ9T=dVmi^t~x~~~~~~~VD",
    b":X^S6WTV:`TFZN>YsGDHHZYwPfytq~w~~~m~H7",
    b"7XSL7YZ^5gU?Q[<Rz^FJGXeiLc~~lv~}~{~~O?",
    b"4IKR7]Xc<f_KHX:@gXJVGcchNq~xk{~~~~~~M>",
    b">XF?;Q<Z?^OU\\LBXo[@:OT`dU[~ult}~{~~~K<",
    b"RMFFSPK_QTQ@C9ECi9BDERIT^]~~uzx~|~~~M@",
    b":aTR8YYI<f^AYa?Hq=JHJlcj:v~vits~~~~~N@",
    b"JVMTXe[_M~t9S_YOWNNG)hQekt~tktt~~~~~M=",
    b"7SLI6YQb<fOQML<TkNEFITdmM]~~sz~~~~~~P;",
    b"CVDQ=YZHBeMPNVEFZZC8MZXrR[~rkkt~y}~~G3",
    b";[P[5Z\\E<_[PW]=Uw@FHIcWkO_~uk}s{~~~~H8",
    b"GFGEEQK`BXU@B;YFr;:=c^^PfW~z~~~~~~~~ZH",
    b"5dYV.f\\h4q`TXZ>^xMTXU^nb_mtr^{n~t~q~PC",
    b"4\\RX6X]J6i\\QSI<XpKCUWuYcM`~mnhx~q~||P@",
    b"BRFPASY^@c[OKUNBaSM<TX^QKiknXgcx}mm}>0",
    b"FMGKHQN[R]SJEEI@cK@>Q\\TYjV{sgjq~s{~wB1",
    b"7VST3^[V<gQQNV<WhWWPDeQhEEurpg~~yy~nP;",
    b"OqT_qVeKXqeG__qVqQeeqeqAqq7<?JRNQQQME0",
    b"huUh[[[[huhh[^uTuhYbhhuWPu7;<HLMGOHEE/",
    b"LKIEWXQVOXVYNPZBhSNOXN_YbhHKQEOKLR\\_D.",
    b"WgS9gb[t[Qt^RStRtULMbWQWtgIJFLO[K[QH?-",
    b"H^W^S^d^Z>dMPZWGpdZWWpp^dpDJ?IJQLLFOF.",
    b"Y_Ukkkkk__kPYkYNkY_Nkkkk_R@@PBFLCEUID,",
    b"``SSSmmmm`mmmLmZmmmZmmmQmmDHBL9DGMBCH.",
    b"iiP]ii]iiiPiiNi]ii]]]i]iiP@NDIPFPFDIF*",
    b"^^Q^kkkk^kQkkJ^kkkBQkkQk^k;FOEKJIFEEA.",
    b"QjjQjQ^jjj^^j^jXj^jjjjjjjj=JAGFFFBEBJ-",
    b">F;CGGJMKXSD?ML=]F;BMOObd^pgim~~~~x{~~",
    b"@E@BGEEJJPLFBJI=ZE<CONM[\\Tuu~~~{~~~~~~",
];

/// Names above this are made by people, the median of ten at least (0.01 % of sets of ten names that are in use lie
/// below, 99.9 % of sets of generated ones; measured on nDPI's lists of both).
pub(crate) const RANDOM_BELOW: f64 = -4.6;

/// Shortest label that says anything.
pub(crate) const MIN_LABEL_LEN: usize = 7;

/// Mean of the logarithms (base 2) of how likely each character of `label` is behind the one before, edges included: the
/// lower, the more by chance. Upper case counts as lower; characters that no host name has, as a hyphen.
pub(crate) fn likelihood(label: &[u8]) -> f64 {
    let symbol = |byte: u8| match byte.to_ascii_lowercase() {
        b @ b'a'..=b'z' => usize::from(b - b'a'),
        b @ b'0'..=b'9' => usize::from(b - b'0') + 26,
        _ => 36,
    };
    let mut before = EDGE;
    let mut eighths = 0u32;
    for next in label.iter().map(|b| symbol(*b)).chain([EDGE]) {
        let surprise = SURPRISE.get(before).and_then(|row| row.get(next)).copied().unwrap_or(b'!');
        eighths += u32::from(surprise.saturating_sub(b'!'));
        before = next;
    }
    -f64::from(eighths) / 8.0 / (label.len() + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median_of(labels: &str) -> f64 {
        let mut all: Vec<f64> = labels.split(' ').map(|l| likelihood(l.as_bytes())).collect();
        all.sort_by(f64::total_cmp);
        crate::statistics::robust::median(&all)
    }

    #[test]
    fn generated_names_are_told_from_real_ones() {
        let generated = "ufmkdjyvfkl hwevqwlocbvmrjdor mqjjotwswxiy gabftyhxelowwfddg zhyldgzvjdi qyrktppmrrri kuowsumscqsagwia \
                         ndudjipdngygiabt nlxxsmlkeskmup xupnbntoxj";
        let real = "treadmillcat threehosts falkenreifen tacirlermenkul theyworkforyou swiatdzieckabochnia kuryenet \
                    nutritionaltherapy discount-low-voltage yachtcloser";
        let (generated, real) = (median_of(generated), median_of(real));
        assert!(generated < RANDOM_BELOW - 0.5 && real > RANDOM_BELOW + 0.3, "{generated} {real}");
        assert_eq!(likelihood(b"Example"), likelihood(b"example"));
        assert!(likelihood(b"").is_finite() && likelihood(&[0xff; 300]).is_finite());
        // Every pair has been given a chance.
        assert!(SURPRISE.iter().all(|row| row.iter().all(|s| (b'!'..=b'~').contains(s))));
    }
}
