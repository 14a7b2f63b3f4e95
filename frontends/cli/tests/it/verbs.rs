//! Commands that are called as a verb of qik is: they win, and a colon reaches the verb.

use crate::project::Project;

#[test]
fn a_command_may_have_the_name_of_a_verb() {
    let project = Project::new("[commands]\nwhy = \"echo mine\"\n");
    assert_eq!(project.qik("why").exits(0).out(), "mine\n");
    project.qik(":why").exits(0).prints("never cached");
}

/// Lines that the verb itself would not take are told of it only where no command is called so.
#[test]
fn each_verb_may_be_a_command_and_a_colon_reaches_the_verb() {
    let verbs = ["run", "why", "graph", "ci", "cache", "config"];
    let config: String =
        verbs.iter().map(|verb| format!("{verb} = \"note; echo {verb}\"\n")).collect();
    let project = Project::new(&format!("[commands]\nlint = \"note\"\n{config}"));
    for verb in verbs {
        assert_eq!(project.qik(verb).exits(0).out(), format!("{verb}\n"));
        assert_eq!(project.executed(), [verb]);
        assert_eq!(project.ls(verb), [verb]);
        project.qik(&format!("-n 2 {verb} lint")).exits(0);
        assert_eq!(project.executed(), if verb < "lint" { [verb, "lint"] } else { ["lint", verb] });
    }
    project.qik(":run lint").exits(0);
    assert_eq!(project.executed(), ["lint"]);
    project.qik(":cache status").exits(0).prints("local");
    project.qik(":config check").exits(0).prints("nothing to say");
    project.qik(":graph build").exits(0).prints("0 files");
    project.qik(":ci github-matrix").exits(0).prints("include");
    project.qik(":config").exits(2).says("Usage");
    assert_eq!(project.executed(), [""; 0]);
    // What follows is a name, too, and it is said how the verb is reached.
    project.qik("cache gc").exits(2).says("no command `gc`").says("`qik :cache` is the verb");
    project.qik("config show --format kdl").exits(2).says("`qik :config` is the verb");
}

#[test]
fn a_wrong_line_of_a_verb_is_told_of_it() {
    let project = Project::new("[commands]\nlint = \"note\"\n");
    project.qik("cache").exits(2).says("Usage").says("gc");
    project.qik("config shwo").exits(2).says("shwo");
    project.write("qik.toml", "[commands");
    project.qik("cache").exits(2).says("Usage").is_silent_on("config/syntax");
    project.remove("qik.toml");
    project.qik("cache").exits(2).says("Usage");
}
