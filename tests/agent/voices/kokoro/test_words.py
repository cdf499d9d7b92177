"""Words by what stands beside them."""

import pytest

from agent.voices.kokoro.spoken_text import spoken_text
from agent.voices.kokoro.spot import English


def said(text):
    return " ".join(filter(None, spoken_text(text.split(), English.AMERICAN)))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("My name is Max.", "My name is Max."),
        ("My name is Jan.", "My name is Jan."),
        ("very apt.", "very apt."),
        ("I am Max. May I help?", "I am Max. May I help?"),
        ("I ate a fig.", "I ate a fig."),
        ("at 3 PM EST.", "at three PM EST."),
        ("at 3 PM EST. Anything else?", "at three PM EST. Anything else?"),
        ("It takes 5 min.", "It takes five minutes."),
        ("in 5 min. it ends", "in five minutes it ends"),
        ("10 ms.", "ten milliseconds."),
        ("Ms. Lee waits 10 ms.", "miz Lee waits ten milliseconds."),
        ("about 6 ft.", "about six feet."),
        ("Ft. Worth, Mt. Fuji", "fort Worth, mount Fuji"),
        ("It holds 20 L.", "It holds twenty liters."),
        ("It is 100 W.", "It is one hundred watts."),
        ("Plan W.", "Plan W."),
        ("\u221240 °C", "minus forty degrees celsius"),
        (
            "Fig. 3, Apt. 4B, Apt 4B, est. 1999",
            "figure three, apartment four B, apartment four B, "
            "established nineteen ninety nine",
        ),
        (
            "the max. load of a Pro Max 256",
            "the maximum load of a Pro Max two hundred fifty six",
        ),
        (
            "Dec 25, 25 Dec 2024",
            "december twenty fifth, the twenty fifth of december twenty twenty four",
        ),
        ("Sept 3rd, Mar 2024", "september third, march twenty twenty four"),
        ("Mon. Jan. 5, Wed. is fine", "monday january fifth, wednesday is fine"),
        ("They wed. The cat sat.", "They wed. The cat sat."),
        ("the Sun and Mar", "the Sun and Mar"),
        ("12 Baker St, 5th Ave, St. Ives", "twelve Baker street, fifth avenue, saint Ives"),
        ("100 MB/s", "one hundred megabytes per second"),
        ("90 km/hr", "ninety kilometers per hour"),
        (
            "3 requests/s and/or 2 tablets/day",
            "three requests per second and or two tablets per day",
        ),
        ("5 A/D converters", "five A D converters"),
        ("in Hartford CT", "in Hartford CT"),
        ("5 -/s", "five s"),
        ("in km/h", "in kilometers per hour"),
        ("3 billion dollars, 5 million km", "three billion dollars, five million kilometers"),
        ("10cm x 20 cm \u00d7 5", "ten centimeters by twenty centimeters by five"),
        ("3 x 4 = 12 +/- 1", "three times four equals twelve plus or minus one"),
        ("100° F.", "one hundred degrees fahrenheit."),
        ("100 sq ft", "one hundred square feet"),
        ("World War II, Henry VIII", "World War two, Henry the eighth"),
        ("x >= 5", "x greater than or equal to five"),
    ],
)
def test_a_word_is_said_by_its_neighbours(text, spoken):
    assert said(text) == spoken
