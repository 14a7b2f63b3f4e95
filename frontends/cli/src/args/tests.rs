//! Command lines, and what they are read as.

use super::*;

fn read(line: &str) -> Invocation {
    let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
    parse(&args).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn clap_finds_no_fault() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_is_listed() {
    let cli = Cli::command();
    let names: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    assert_eq!(names, VERBS);
}

#[test]
fn a_plain_v_may_come_before_a_name() {
    assert_eq!(read("qik -v lint").args.how.verbosity, Some(2));
    assert_eq!(read("qik -v lint").args.names, ["lint"]);
    assert_eq!(read("qik -v 0 lint").args.how.verbosity, Some(0));
    assert_eq!(read("qik lint -v 1").args.how.verbosity, Some(1));
    assert_eq!(read("qik -v0 lint").args.how.verbosity, Some(0));
    assert_eq!(read("qik -vv lint").args.how.verbosity, Some(2));
}

#[test]
fn a_verb_may_be_a_command_and_a_colon_makes_sure() {
    assert_eq!((read("qik why lint").verb, read("qik why lint").verb_is_sure), ("why", false));
    assert_eq!((read("qik :why lint").verb, read("qik :why lint").verb_is_sure), ("why", true));
    let args: Vec<OsString> = ["qik", "-n", "2", "why"].map(OsString::from).into();
    let named = parse_as_name(&args, "why").unwrap();
    assert_eq!(named.args.names, ["why"]);
    assert_eq!(named.args.how.workers, Some(2));
}

#[test]
fn a_line_that_is_wrong_for_a_verb_may_name_a_command() {
    for line in
        ["qik config", "qik cache lint", "qik ci -n 2", "qik -C x graph --ls", "qik ci --ls"]
    {
        let read = read(line);
        assert!(read.fault.is_some() && !read.verb_is_sure, "{line}");
        assert!(read.args.names.contains(&read.verb.to_string()), "{line}: {:?}", read.args.names);
    }
    assert_eq!(read("qik -C config cache").args.project.directory, Some("config".into()));
    for line in ["qik :config", "qik :cache lint", "qik cache --help", "qik config --nonsense"] {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        assert!(parse(&args).is_err(), "{line}");
    }
    assert_eq!((read("qik run").verb_is_sure, read("qik :run").verb_is_sure), (false, true));
}

#[test]
fn the_value_of_an_option_may_be_called_like_a_verb() {
    for line in ["qik -p ci", "qik --profile ci lint", "qik lint -p ci", "qik run -p ci"] {
        let read = read(line);
        assert_eq!(read.args.project.profile.as_deref(), Some("ci"), "{line}");
        assert_eq!(read.verb, "run", "{line}");
    }
    assert_eq!(read("qik -p ci ci github").verb, "ci");
    assert_eq!(read("qik -m graph why").args.select.modules, ["graph"]);
}

#[test]
fn options_count_before_and_behind_a_verb() {
    let invocation = read("qik -C x -m a why lint -m b");
    assert_eq!(invocation.args.project.directory, Some("x".into()));
    assert_eq!(invocation.args.select.modules, ["a", "b"]);
}

#[test]
fn the_last_of_fail_fast_and_keep_going_counts() {
    let check = |line: &str, expected: Option<&str>| {
        let flags = read(line).args.flags().unwrap();
        assert_eq!(flags.get("qik.fail-fast").map(String::as_str), expected, "{line}");
    };
    check("qik", None);
    check("qik --fail-fast lint", Some("true"));
    check("qik --fail-fast --keep-going lint", Some("false"));
    check("qik --keep-going --fail-fast lint", Some("true"));
    check("qik --fail-fast run --keep-going", Some("false"));
    check("qik --keep-going run lint", Some("false"));
}

#[test]
fn reports_add_up_before_and_behind_a_verb() {
    let reports = read("qik --report junit=a run --report json=b lint").args.how.reports;
    assert_eq!(reports, ["junit=a", "json=b"].map(|text| text.parse().unwrap()));
    let args = ["qik", "--report", "toml=a"].map(OsString::from);
    assert!(parse(&args).is_err());
}
