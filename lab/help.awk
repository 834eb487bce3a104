# What `make help` prints, from the comments of the Makefile. -v all=1: every target with its line.
#
# "## NAME" begins a group, "target: ... ## what it does" is a line of it. Of the group "first" each
# target is shown with its line, of the others the names.

BEGIN { FS = ":.*## " }
/^## --- / { exit }
/^## / { group = substr($0, 4); if (group != "first") groups[++count] = group; next }
/^[a-z-]+:.*## / {
    if (all || group == "first") printf "make %-13s %s\n", $1, $2
    else names[group] = names[group] " " $1
}
END {
    if (all) exit
    print ""
    for (i = 1; i <= count; i++) printf "%-10s%s\n", groups[i], names[groups[i]]
    print ""
    print "Variables: HOST= PORT= FILE= (run-server)  SERVER= PORT= OUT= (run-client)"
    print "           SERVER= CHAPTER= ROW= CLIENT= EXERCISE= (grade)  ROW= N= (hint)"
    print "           FROM= (learn)  N= FILE= (swarm)  N= (scale)  SEED= (replay)"
    print "           TRACE= (watch)  QUICK=1 (bench)"
    print "           ARGS= more options (run-server, run-client, swarm, scale, test ...)"
    print "           PYTHON= another Python, such as python3.13"
    print "Example:   make run-server FILE=input_file/utf-8.txt ARGS='--chunk 4 --pause 1'"
}
