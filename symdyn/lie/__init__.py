"""The mathematics: functions of plain arrays, numpy and scipy only."""
