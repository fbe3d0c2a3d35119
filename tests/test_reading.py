from segdemo.spec import AS_IT_COMES, Reading


def test_readings_that_say_the_same_are_equal_whatever_was_said_first():
    one = AS_IT_COMES.with_word("preprocessing.side", 64).with_word("preprocessing.resize", "none")
    other = AS_IT_COMES.with_words({"preprocessing": {"resize": "none", "side": 64}})
    assert one == other
    assert len({one, other}) == 1
    assert one.spec_words == {"preprocessing": {"resize": "none", "side": 64}}


def test_the_last_word_on_a_field_counts():
    reading = AS_IT_COMES.with_word("preprocessing.mean", [0.5]).with_word(
        "preprocessing.mean", [0.1, 0.2, 0.3]
    )
    assert reading.spec_words == {"preprocessing": {"mean": [0.1, 0.2, 0.3]}}


def test_a_word_that_is_taken_back_leaves_nothing():
    reading = Reading(assume="unet").with_word("postprocessing.activation", "none")
    assert reading.with_word("postprocessing.activation", None) == Reading(assume="unet")
    assert AS_IT_COMES.with_word("preprocessing.side", None) == AS_IT_COMES
