//! Sections in the log of a GitLab job.

const CLEAR: &str = "\x1b[0K";

/// A name of a section: unique in the job, of the few characters that GitLab takes.
pub(super) fn section_name(count: u64, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '_' };
    format!("qik_{count}_{}", name.chars().map(plain).collect::<String>())
}

pub(super) fn start(unix_seconds: u64, section: &str, folded: bool, title: &str) -> String {
    let folded = if folded { "[collapsed=true]" } else { "" };
    let title = title.replace(['\n', '\r'], " ");
    format!("{CLEAR}section_start:{unix_seconds}:{section}{folded}\r{CLEAR}{title}\n")
}

pub(super) fn end(unix_seconds: u64, section: &str) -> String {
    format!("{CLEAR}section_end:{unix_seconds}:{section}\r{CLEAR}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_the_form_that_gitlab_reads() {
        let section = section_name(3, "lint@svc/a b");
        assert_eq!(section, "qik_3_lint_svc_a_b");
        assert_eq!(
            start(17, &section, true, "lint\n"),
            "\x1b[0Ksection_start:17:qik_3_lint_svc_a_b[collapsed=true]\r\x1b[0Klint \n"
        );
        assert_eq!(end(19, &section), "\x1b[0Ksection_end:19:qik_3_lint_svc_a_b\r\x1b[0K\n");
    }
}
