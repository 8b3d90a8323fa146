"""How good a trained network is: computed from what it says to images it has not learned from, and drawn."""
