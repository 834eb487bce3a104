"""The bug museum: small servers of this protocol, each with one fault that a known program has.

    python3 -m learn.museum                list the exhibits
    python3 -m learn.museum 8              show number 8: its fault, its source, its symptom
    python3 -m learn.museum 8 mine/8.py    does my repaired copy still show that symptom?
    python3 -m learn.museum --repaired 8   the lines that repair it
    python3 -m learn.museum --measure      attack all of them and write rows.json again

    NN_what.py      an exhibit: a complete server or client; its first line says what is wrong
    sound/          the same programs without the fault, six of them for all the exhibits
    catalogue.py    what is known about each exhibit: its source, its symptom, how it is shown
    shows.py        how a symptom is shown where no attack of the grade shows it
    measure.py      attacks all of them and writes rows.json
    page.py         writes README.md
    rows.json       the rows of the grade that each exhibit fails and its sound form does not

The sources are given as repository, file and commit; the code here was written for this museum.
Most of these programs are short on purpose and teach well what they set out to teach.
"""
