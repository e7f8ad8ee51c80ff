"""Pages that explain, pictures, figures, comparing, moderation; and what strangers write into them."""

import re

import pytest

from teachkit.leaderboard.pages.metrics import PROBABILITIES, TRUTH, explained
from teachkit.leaderboard.people.models import User
from teachkit.leaderboard.submissions.models import Note, Submission

pytestmark = pytest.mark.django_db
NASTY = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


@pytest.fixture
def two(challenge, member_of, hand_in, file_of, score_here):
    """Two scored entries: one of the Owls, a better one of the Foxes."""
    hand_in(member_of("Owls"), challenge, file_of("a.csv", skill=0.5), link="https://example.org/paper")
    hand_in(member_of("Foxes"), challenge, file_of("b.csv", skill=3))
    score_here()
    return list(Submission.objects.order_by("pk"))


def test_the_worked_examples_are_those_of_scikit_learn(client):
    from sklearn import metrics as oracle

    guess = [int(one > 0.5) for one in PROBABILITIES]
    expected = [
        oracle.roc_auc_score(TRUTH, PROBABILITIES),
        oracle.balanced_accuracy_score(TRUTH, guess),
        oracle.cohen_kappa_score(TRUTH, guess),
        oracle.accuracy_score(TRUTH, guess),
    ]
    assert [one.value for one in explained()] == pytest.approx(expected)
    page = client.get("/scores/").content.decode()
    assert page.count("<math") == 4
    for value in expected:
        assert f"<strong>{value:.4f}</strong>" in page
    assert "1, 2, 2, 4" in page


def test_figures_can_be_downloaded_as_png_and_svg(two, client):
    address = f"/submissions/{two[0].pk}/auc-lines"
    assert client.get(f"{address}.png").content.startswith(b"\x89PNG")
    answer = client.get(f"{address}.svg?with={two[1].pk}&download")
    assert b"<svg" in answer.content
    assert "attachment" in answer["Content-Disposition"]
    assert client.get(f"/submissions/{two[0].pk}/nonsense-lines.png").status_code == 404
    told = client.get(f"/submissions/{two[0].pk}/scores.json").json()
    assert told["mean"]["auc"] == two[0].result.detail["parts"]["public"]["mean"]["auc"]


def test_comparing_two_tells_the_difference(two, client):
    a, b = (one.result.detail["parts"]["public"]["mean"]["auc"] for one in two)
    page = client.get(f"/compare/?a={two[0].pk}&b={two[1].pk}").content.decode()
    assert f"{b - a:+.4f}" in page
    Submission.objects.filter(pk=two[1].pk).update(size=64)
    page = client.get(f"/compare/?a={two[0].pk}&b={two[1].pk}").content.decode()
    assert "cannot be compared" in page


def test_a_verified_paper_gets_a_badge_and_a_note(two, staff, as_user, client):
    assert "paper verified" not in client.get("/challenges/toy/board/").content.decode()
    boss = as_user(staff)
    assert two[0].link in boss.get("/moderation/").content.decode()
    boss.post(f"/submissions/{two[0].pk}/verify/", {"why": "read it"})
    assert client.get("/challenges/toy/board/").content.decode().count("paper verified") == 1
    assert f'href="{two[0].link}"' in client.get("/research/").content.decode()
    boss.post(f"/submissions/{two[0].pk}/unverify/")
    assert "paper verified" not in client.get("/challenges/toy/board/").content.decode()
    assert two[0].link not in client.get("/research/").content.decode()
    assert list(Note.objects.order_by("pk").values_list("action", "why")) == [
        ("verify", "read it"),
        ("unverify", ""),
    ]


def test_the_confusion_table_counts_every_row_of_the_set(two, client):
    tables = two[0].result.detail["tables"]
    assert {name: sum(map(sum, rows)) for name, rows in tables.items()} == {"breast": 40, "grades": 60}
    page = client.get(two[0].get_absolute_url()).content.decode()
    assert "Confusions on Grades" in page
    picture = client.get(f"/submissions/{two[0].pk}/sets/grades-confusion.svg").content.decode()
    for row, label in zip(tables["grades"], "012", strict=True):
        said = ", ".join(f"{count} called {other}" for other, count in zip("012", row, strict=True))
        assert f"of {sum(row)} with {label}: {said}" in picture
    assert client.get(f"/submissions/{two[0].pk}/sets/finds-confusion.svg").status_code == 404
    assert client.get(f"/submissions/{two[0].pk}/sets/none-confusion.svg").status_code == 404


def test_labels_that_may_meet_are_counted_one_by_one(two, client, made):
    from sklearn.metrics import multilabel_confusion_matrix

    truth, stated = made.labels()["finds"], made.predictions(skill=0.5)["finds"]
    expected = multilabel_confusion_matrix(truth, stated > 0.5).reshape(3, 4).tolist()
    assert two[0].result.detail["findings"] == {"finds": expected}
    without, wrongly, missed, found = expected[0]
    shown = "".join(f'<td class="number">{one}</td>' for one in (found, missed, wrongly, without))
    assert f'<th scope="row">a</th>{shown}' in client.get(two[0].get_absolute_url()).content.decode()


def test_the_table_of_an_entry_has_three_scores_of_each_set_and_its_files(two, client, as_user):
    page = client.get(two[0].get_absolute_url()).content.decode()
    told = two[0].result.detail["parts"]["public"]
    for values in [*told["sets"].values(), told["mean"]]:
        for name in ("auc", "balacc", "kappa"):
            assert f'<td class="number">{values[name]:.4f}' in page
    assert f"/submissions/{two[0].pk}/file/" not in page
    own = as_user(User.objects.get(email="owls@example.org"))
    address = f"/submissions/{two[0].pk}/file/"
    assert address in own.get(two[0].get_absolute_url()).content.decode()
    assert b"".join(own.get(address).streaming_content) == two[0].path.read_bytes()


def test_the_figure_of_a_set_tells_how_many_others_are_better(two, client):
    for entry, better in zip(two, (1, 0), strict=True):
        picture = client.get(f"/submissions/{entry.pk}/sets/breast-standing.svg")
        value = entry.result.detail["parts"]["public"]["sets"]["breast"]["auc"]
        assert f"AUC {value:.4f}, {better} of 1 others are better" in picture.content.decode()
    png = client.get(f"/submissions/{two[0].pk}/sets/breast-standing.png?download")
    assert png.content.startswith(b"\x89PNG")
    assert f"entry-{two[0].pk}-breast-standing.png" in png["Content-Disposition"]


def test_two_entries_are_chosen_from_a_list_of_those_that_can_be_compared(two, challenge, client, as_user):
    page = client.get(two[0].get_absolute_url()).content.decode()
    assert f'<option value="{two[1].pk}">' in page
    assert f'<option value="{two[0].pk}"' not in page
    Submission.objects.filter(pk=two[1].pk).update(size=64)
    assert f'<option value="{two[1].pk}"' not in client.get(two[0].get_absolute_url()).content.decode()
    assert client.get("/compare/").content.decode().count(f'<option value="{two[1].pk}"') == 2
    Submission.objects.filter(pk=two[1].pk).update(hidden=True)
    assert f'<option value="{two[1].pk}"' not in client.get("/compare/").content.decode()


def test_what_strangers_write_is_shown_as_text(
    challenge, member_of, hand_in, file_of, score_here, as_user, staff
):
    owl = member_of("Owls")
    as_user(owl).post("/team/rename/", {"name": NASTY[:60]})
    told = {"description": NASTY, "extra_data": NASTY, "pre_training": NASTY, "model_name": NASTY[:80]}
    hand_in(owl, challenge, file_of(f"{NASTY[:10]}.csv".replace("/", "_")), **told)
    score_here()
    entry = Submission.objects.get()
    for address in (
        entry.get_absolute_url(),
        "/challenges/toy/board/",
        "/",
        "/submissions/",
        "/moderation/",
        f"/compare/?a={entry.pk}&b={entry.pk}",
        "/team/",
    ):
        for person in (owl, staff):
            page = as_user(person).get(address).content.decode()
            assert "<script>alert" not in page, address
            assert "<img src=x" not in page, address
    assert "&lt;script&gt;" in as_user(owl).get(entry.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", " javascript:alert(1)", "//x.org"],
)
def test_a_link_that_is_none_of_the_web_is_refused_and_never_shown(
    two, challenge, member_of, hand_in, file_of, link, client
):
    bear = member_of("Bears")
    assert hand_in(bear, challenge, file_of("c.csv", seed=9), link=link).status_code == 400
    Submission.objects.filter(pk=two[0].pk).update(link=link)
    page = client.get(two[0].get_absolute_url()).content.decode()
    assert not re.search(r'href="\s*(javascript|data)', page, re.I)


def test_every_page_carries_strict_headers_and_loads_nothing_from_elsewhere(two, client):
    for address in ("/", "/challenges/toy/board/", two[0].get_absolute_url(), "/scores/", "/privacy/"):
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer["X-Frame-Options"] == "DENY"
        page = answer.content.decode()
        assert not re.search(r'(src|rel="stylesheet" href)="https?://', page)
        assert not re.search(r"\sstyle=", page)
        assert not re.search(r"\son\w+=", page)


def test_pictures_come_from_the_source_in_force(site, client, offline):
    from teachkit.leaderboard.challenges import opening

    opening.create(opening.Plan.read(opening.SHIPPED / "course.toml"), opening.SHIPPED)
    answer = client.get("/datasets/digits.png")
    assert answer.content.startswith(b"\x89PNG")
    assert client.get("/datasets/breastmnist.png").status_code == 404
    assert "CC" in client.get("/datasets/").content.decode()


def test_the_course_challenge_asks_for_the_sets_of_lesson_08(site, db, offline):
    from teachkit import data
    from teachkit.big import Suite
    from teachkit.leaderboard.challenges import opening

    made = opening.create(opening.Plan.read(opening.SHIPPED / "course.toml"), opening.SHIPPED)
    names = ("ihc_contents", "fundus_vessels", "fundus_grades", "digits", "ihc_tissue")
    assert made.suite.digest == Suite.of("course", [data.load(name, "test") for name in names]).digest
    assert made.closed_because(made.created) == ""


def test_the_order_of_sets_is_that_of_lesson_08(root):
    import tomllib

    from teachkit.leaderboard.challenges import opening

    lessons = tomllib.loads((root / "notebooks" / "course.toml").read_text())["lesson"]
    (lesson,) = [one for one in lessons if one["id"] == "08"]
    plan = opening.Plan.read(opening.SHIPPED / "course.toml")
    assert (list(plan.sets), plan.first) == (lesson["data"], lesson["sets"])


def test_big_without_labels_takes_nothing_and_says_so(site, member_of, hand_in, file_of, offline):
    from teachkit.leaderboard.challenges import opening

    made = opening.create(
        opening.Plan.read(opening.SHIPPED / "big.toml"), opening.SHIPPED, labels_needed=False
    )
    answer = hand_in(member_of("Owls"), made, file_of())
    assert answer.status_code == 409
    assert "does not have the true labels" in answer.content.decode()
